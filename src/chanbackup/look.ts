import type { ScbError } from "../runtime/error.ts";
import { checkedMs } from "../runtime/interval.ts";

/** How much to read back: only the pointer, or also the whole version that it names. */
export type LookDepth = "pointer" | "version";

/** The result of reading back the saved backup. */
export type LookOutcome =
  | { readonly kind: "confirmed" }
  /** Nothing was saved yet and nothing is there, so there is nothing to confirm. */
  | { readonly kind: "nothing" }
  /** What was saved is gone, or has changed. */
  | { readonly kind: "save-anew"; readonly error: ScbError };

/**
 * Reads back what was saved. Throws what the store throws, and "superseded" for another writer's backup.
 */
export type Look = (depth: LookDepth, signal: AbortSignal) => Promise<LookOutcome>;

/** How often to read back what was saved, in milliseconds. Only used if the swapper can look. */
export interface LookTiming {
  /** Between two looks at the pointer. Default 5 min. */
  readonly lookIntervalMs?: number | undefined;
  /** The most between two looks at the version. Default 1 h. */
  readonly versionLookIntervalMs?: number | undefined;
  /** How long nothing may be due after a swap before its version is read back. Default 2 s. */
  readonly quietMs?: number | undefined;
}

const defaultQuietMs = 2_000;
/**
 * A version is read back after this many quiet times at the latest, counted from the first swap since the
 * last look.
 */
const quietsAtMost = 5;
/** How often a mirror that is never quiet looks by default, however short its interval. */
export const busyLookIntervalMs = quietsAtMost * defaultQuietMs;

/** Schedules the looks. All times are monotonic. */
export class LookSchedule {
  readonly #intervalMs: Readonly<Record<LookDepth, number>>;
  readonly #quietMs: number;
  readonly #dueAtMs: Record<LookDepth, number>;
  /** When the first swap came that hasn't been read back; null if there is none. */
  #unreadSinceMs: number | null = null;

  constructor(
    {
      lookIntervalMs = 300_000,
      versionLookIntervalMs = 3_600_000,
      quietMs = defaultQuietMs,
    }: LookTiming,
    nowMs: number,
  ) {
    checkedMs("lookIntervalMs", lookIntervalMs, 1_000);
    checkedMs("versionLookIntervalMs", versionLookIntervalMs, 1_000);
    checkedMs("quietMs", quietMs, 0);
    this.#intervalMs = { pointer: lookIntervalMs, version: versionLookIntervalMs };
    this.#quietMs = quietMs;
    this.#dueAtMs = { pointer: nowMs + lookIntervalMs, version: nowMs + versionLookIntervalMs };
  }

  get next(): { readonly depth: LookDepth; readonly atMs: number } {
    const { pointer, version } = this.#dueAtMs;
    return version <= pointer
      ? { depth: "version", atMs: version }
      : { depth: "pointer", atMs: pointer };
  }

  /**
   * A store that lost `losses` backups in a row is read and written less and less often. Even a node that
   * is never quiet for long has its version read back.
   */
  swapped(nowMs: number, losses: number): void {
    this.made("pointer", nowMs);
    this.#unreadSinceMs ??= nowMs;
    const inMs = Math.min(this.#quietMs * 2 ** Math.min(losses, 30), this.#intervalMs.version);
    const latestMs = this.#unreadSinceMs + Math.max(inMs, quietsAtMost * this.#quietMs);
    this.#dueAtMs.version = Math.min(nowMs + inMs, latestMs);
  }

  made(depth: LookDepth, nowMs: number): void {
    this.#dueAtMs.pointer = nowMs + this.#intervalMs.pointer;
    if (depth === "pointer") return;
    this.#dueAtMs.version = nowMs + this.#intervalMs.version;
    this.#unreadSinceMs = null;
  }

  failed(depth: LookDepth, retryAtMs: number): void {
    this.#dueAtMs[depth] = retryAtMs;
  }
}
