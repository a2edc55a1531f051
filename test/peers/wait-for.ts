import { setTimeout as delay } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** More to say when the time is up: the tail of a log. */
  readonly details?: () => string;
  /** A reason to give up before the time is up, or null. */
  readonly hopeless?: () => string | null;
}

/**
 * Calls `attempt` until it resolves with something other than undefined. An attempt that throws is
 * tried again; its error is the cause of the timeout error.
 */
export async function waitFor<T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  { timeoutMs, everyMs = 100, details, hopeless }: WaitOptions,
): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      cause = error;
    }
    const reason =
      hopeless?.() ?? (performance.now() >= endsAt ? `waited ${timeoutMs / 1000} s in vain` : null);
    if (reason !== null) {
      const last = cause instanceof Error ? `\nlast error: ${cause.message}` : "";
      throw new Error(`${what}: ${reason}${last}\n${details?.() ?? ""}`, { cause });
    }
    await delay(everyMs);
  }
}
