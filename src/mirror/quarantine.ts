import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { Refusal } from "./guard.ts";
import { quarantineKeys } from "./layout.ts";

/** A guard's refusal, as an error: the candidate never became a version. */
export class RefusedError extends ScbError {
  readonly refusal: Refusal;
  /** Where the candidate is kept; null where it could not be saved. */
  readonly quarantineKey: string | null;

  constructor(refusal: Refusal, quarantineKey: string | null, cause?: unknown) {
    super("refused", refusal.message, { cause });
    this.refusal = refusal;
    this.quarantineKey = quarantineKey;
  }
}

/** Keeps what guards refuse, so that a person can look at it and nothing is lost by a guard's error. */
export class Quarantine {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  /** The last one kept: the same refusal, met again at every refresh, is kept once. */
  #last: { readonly mark: string; readonly key: string } | null = null;

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Keeps the candidate, and returns the error to throw. That it could not be kept (the store is
   * down, say) changes nothing about the refusal.
   */
  async refuse(
    id: string,
    candidate: Candidate,
    refusal: Refusal,
    signal?: AbortSignal,
  ): Promise<RefusedError> {
    // Every packing of an empty Multi has other bytes, so its hash would not tell it for the same.
    const mark = `${refusal.code} ${refusal.code === "empty" ? "" : candidate.sha256}`;
    if (this.#last?.mark === mark) return new RefusedError(refusal, this.#last.key);
    const keys = quarantineKeys(id);
    const why = {
      schema: 1,
      operation: id,
      refusedAt: new Date(this.#clock.now()).toISOString(),
      code: refusal.code,
      message: refusal.message,
      sizeBytes: candidate.packed.length,
      sha256: candidate.sha256,
      channels: candidate.channels,
    };
    try {
      // The keys are fresh: no condition is needed, and a store without them keeps it as well.
      await this.#store.put(keys.backup, candidate.packed, { signal });
      await this.#store.put(
        keys.why,
        new TextEncoder().encode(`${JSON.stringify(why, null, 2)}\n`),
        {
          contentType: "application/json",
          signal,
        },
      );
    } catch (error) {
      return new RefusedError(refusal, null, error);
    }
    this.#last = { mark, key: keys.backup };
    return new RefusedError(refusal, keys.backup);
  }
}
