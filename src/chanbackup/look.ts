import type { ScbError } from "../runtime/error.ts";
import { checkedMs } from "../runtime/interval.ts";

/** How much is read back: the pointer, or the version that it names as well, whole. */
export type LookDepth = "pointer" | "version";

/** What a look at the saved backup found. */
export type LookOutcome =
  | { readonly kind: "confirmed" }
  /** Nothing was saved yet, and nothing is there: there is nothing to confirm. */
  | { readonly kind: "nothing" }
  /** What was saved isn't there any more, or isn't what was saved. */
  | { readonly kind: "save-anew"; readonly error: ScbError };

/** Reads back what was saved. Throws what the store throws, and "superseded" for another's backup. */
export type Look = (depth: LookDepth, signal: AbortSignal) => Promise<LookOutcome>;

/** How often what was saved is read back, in milliseconds. Only if the swapper can look. */
export interface LookTiming {
  /** From one look at the pointer to the next. Default 5 min. */
  readonly lookIntervalMs?: number | undefined;
  /** From one look at the version to the next at most. Default 1 h. */
  readonly versionLookIntervalMs?: number | undefined;
  /** After a swap, nothing has to be due for so long before its version is read. Default 2 s. */
  readonly quietMs?: number | undefined;
}

/** A version is read after so many quiet times at most, counted from the first swap since the last look. */
const quietsAtMost = 5;

/** When the next look is due. All times are monotonic. */
export class LookSchedule {
  readonly #intervalMs: Readonly<Record<LookDepth, number>>;
  readonly #quietMs: number;
  readonly #dueAtMs: Record<LookDepth, number>;
  /** When the first swap came that isn't read back yet; null for none. */
  #unreadSinceMs: number | null = null;

  constructor(
    { lookIntervalMs = 300_000, versionLookIntervalMs = 3_600_000, quietMs = 2_000 }: LookTiming,
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
   * A store that has lost `losses` backups in a row is looked at, and written to, ever less often. A node
   * that is never quiet for long has its version read all the same.
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
