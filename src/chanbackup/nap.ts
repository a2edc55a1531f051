import type { Clock } from "../runtime/clock.ts";

/** A sleep that others can end early. One sleeper at a time. */
export class Nap {
  readonly #clock: Clock;
  #asleep: AbortController | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or when woken. */
  async sleep(ms: number): Promise<void> {
    const asleep = new AbortController();
    this.#asleep = asleep;
    try {
      await this.#clock.sleep(ms, asleep.signal);
    } catch (error) {
      if (!asleep.signal.aborted) throw error;
    } finally {
      this.#asleep = null;
    }
  }

  /** Does nothing if nobody sleeps. */
  wake(): void {
    this.#asleep?.abort();
  }
}

/** Sleeps for `ms`, or until one of these signals aborts. */
export async function sleepUntil(
  clock: Clock,
  ms: number,
  signals: readonly AbortSignal[],
): Promise<void> {
  const isCutShort = (): boolean => signals.some(({ aborted }) => aborted);
  if (isCutShort()) return;
  try {
    await clock.sleep(ms, AbortSignal.any([...signals]));
  } catch (error) {
    if (!isCutShort()) throw error;
  }
}
