import * as z from "zod";
import type { Base } from "../repository/base.ts";
import { parseQuarantineKey, quarantineKeys, quarantinePrefix } from "../repository/layout.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { Refusal } from "./guard.ts";

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

const count = z.int().min(0).nullable().default(null);

/** `quarantine/….json`: why a candidate was held back, and what was known of it. */
const whySchema = z.looseObject({
  schema: z.literal(1),
  operation: z.string(),
  refusedAt: z.iso.datetime(),
  code: z.string(),
  message: z.string(),
  sizeBytes: z.int().min(0),
  sha256: z.string(),
  channels: count,
  bareChannels: count,
  channelPointsSha256: z.string().nullable().default(null),
  verifiedBy: z.enum(["lnd", "key"]).nullable().default(null),
  /** What it was to replace; null where nothing was current yet. */
  base: z
    .looseObject({ sequence: z.int().min(1), key: z.string(), sha256: z.string() })
    .nullable()
    .default(null),
});

export type QuarantineReason = z.infer<typeof whySchema>;

/** One candidate that a guard held back, as its key names it. */
export interface QuarantineEntry {
  /** The ULID of its operation. */
  readonly operation: string;
  readonly keys: ReturnType<typeof quarantineKeys>;
}

/** How many of the newest entries are looked at for one that says the same. */
const comparedEntries = 16;

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
   * down, say) changes nothing about the refusal. One that says the same, from this process or from
   * an earlier one, is not kept again.
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

  async #findSame(mark: string, options: RequestOptions): Promise<string | null> {
    const newest = (await listQuarantine(this.#store, options)).slice(-comparedEntries).reverse();
    for (const { keys } of newest) {
      const why = await readQuarantineReason(this.#store, keys.why, options);
      if (why !== null && markOf(why) === mark) return keys.backup;
    }
    return null;
  }
}

/** What is kept, oldest first. An entry without its reason is one that is still being written. */
export async function listQuarantine(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<QuarantineEntry[]> {
  const entries: QuarantineEntry[] = [];
  for await (const { key } of store.list(quarantinePrefix, options)) {
    const name = parseQuarantineKey(key);
    if (name === null || name.kind !== "why") continue;
    const { operation } = name;
    entries.push({ operation, keys: quarantineKeys(operation) });
  }
  return entries;
}

/** Null for one that is gone or that cannot be read: then nothing is known but that it was refused. */
export async function readQuarantineReason(
  store: ObjectStore,
  key: string,
  options?: RequestOptions,
): Promise<QuarantineReason | null> {
  const object = await store.get(key, options);
  if (object === null) return null;
  try {
    return whySchema.parse(JSON.parse(new TextDecoder().decode(object.bytes)));
  } catch {
    return null;
  }
}

/**
 * Equal for two refusals that say the same of the same state. lnd packs with a fresh nonce each time,
 * so the hash of the bytes tells two states apart only where nothing better is known.
 */
function markOf(why: QuarantineReason): string {
  const state =
    why.code === "empty"
      ? "empty"
      : (why.channelPointsSha256 && `${why.channelPointsSha256} ${why.bareChannels}`) || why.sha256;
  return `${why.code} ${why.base?.key} ${state}`;
}
