import { RefusedError } from "../chanbackup/refused-error.ts";
import type { Base } from "../repository/base.ts";
import { quarantineKeys } from "../repository/layout.ts";
import {
  listQuarantine,
  type QuarantineReason,
  quarantineFormat,
  readQuarantineReason,
} from "../repository/quarantine-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { Refusal } from "./guard.ts";

/** How many of the newest entries are compared with a refusal. */
const comparedEntries = 16;

/** Keeps what guards refuse, so that a person can examine it and a guard's mistake loses nothing. */
export class Quarantine {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  /** The last refusal kept, so that the same one, met again at every refresh, is kept once. */
  #last: { readonly mark: string; readonly key: string } | null = null;

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Keeps the candidate and returns the error to throw. The refusal stands even if the candidate could
   * not be kept, for example because the store is down. A refusal with the same reason and content, from
   * this process or an earlier one, is kept only once.
   */
  async refuse(
    id: string,
    candidate: Candidate,
    base: Base,
    refusal: Refusal,
    signal?: AbortSignal,
  ): Promise<RefusedError> {
    const { held } = base;
    const why: QuarantineReason = {
      schema: 1,
      operation: id,
      refusedAt: new Date(this.#clock.now()).toISOString(),
      code: refusal.code,
      message: refusal.message,
      sizeBytes: candidate.packed.length,
      sha256: candidate.sha256,
      channels: candidate.channels,
      bareChannels: candidate.bareChannels,
      channelPointsSha256: candidate.channelPointsSha256,
      verifiedBy: candidate.verifiedBy,
      base: held && { sequence: held.sequence, key: held.key, sha256: held.sha256 },
    };
    const mark = markOf(why);
    if (this.#last?.mark === mark) return new RefusedError(refusal, this.#last.key);
    const keys = quarantineKeys(id);
    try {
      const kept = await this.#findSame(mark, { signal });
      if (kept !== null) {
        this.#last = { mark, key: kept };
        return new RefusedError(refusal, kept);
      }
      // The keys are fresh, so no condition is needed, and stores without conditional writes work too.
      await this.#store.put(keys.backup, candidate.packed, { signal });
      await this.#store.put(keys.why, quarantineFormat.encode(why), {
        contentType: "application/json",
        signal,
      });
    } catch (error) {
      return new RefusedError(refusal, null, error);
    }
    this.#last = { mark, key: keys.backup };
    return new RefusedError(refusal, keys.backup);
  }

  async #findSame(mark: string, options: RequestOptions): Promise<string | null> {
    const newest = (await listQuarantine(this.#store, options)).slice(-comparedEntries).reverse();
    for (const { keys } of newest) {
      const why = await readQuarantineReason(this.#store, keys.why, options);
      if (why !== null && markOf(why) === mark) return keys.backup;
    }
    return null;
  }
}

/**
 * Equal for two refusals with the same reason and state. lnd packs with a fresh nonce each time, so the
 * bytes' hash distinguishes states only if nothing better is known.
 */
function markOf(why: QuarantineReason): string {
  const state =
    why.code === "empty"
      ? "empty"
      : (why.channelPointsSha256 && `${why.channelPointsSha256} ${why.bareChannels}`) || why.sha256;
  return `${why.code} ${why.base?.key} ${state}`;
}
