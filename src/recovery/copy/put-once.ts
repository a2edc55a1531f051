import { storeBackoff } from "../../runtime/backoff.ts";
import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { md5 } from "../../runtime/md5.ts";
import type { Random } from "../../runtime/random.ts";
import { retry } from "../../runtime/retry.ts";
import { checkMetadata } from "../../store/object-key.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** The bytes in flight at one time. A larger object is sent alone. */
export const mostBytesAtOnce = 32 * 1024 * 1024;

/** What happened to an object or, without writing, what would happen. */
export type Brought = "copied" | "present" | "differs";

export interface BringOptions extends PutOnceOptions {
  /** Whether the target listed something under this key. */
  readonly isListed: boolean;
  readonly isWriting: boolean;
}

/** Compares an object with what the target lists, or adds it. Throws what the target throws. */
export async function bring(
  key: string,
  bytes: Uint8Array,
  options: BringOptions,
): Promise<Brought> {
  const { target, isListed, isWriting, signal } = options;
  const there = isListed ? await compareWith(target, key, bytes, { signal }) : "absent";
  if (there !== "absent") return there === "same" ? "present" : "differs";
  return isWriting ? putOnce(key, bytes, options) : "copied";
}

export interface PutOnceOptions extends RequestOptions {
  readonly target: ObjectStore;
  readonly metadata: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Adds an object, and resolves once the target is known to hold these bytes: its etag is their MD5, or
 * they were read back. Overwrites nothing: resolves to "differs" if other bytes are there. Throws what the
 * store throws, after a few tries.
 */
export function putOnce(
  key: string,
  bytes: Uint8Array,
  { metadata, clock, random, ...options }: PutOnceOptions,
): Promise<Brought> {
  const { target, contentType, signal } = options;
  const condition = target.conditions === "none" ? {} : { condition: { kind: "absent" } as const };
  const how = { ...condition, metadata: portable(metadata), contentType, signal };
  const put = async (): Promise<Brought> => {
    try {
      const { etag } = await target.put(key, bytes, how);
      if (provesBytes(etag, bytes)) return "copied";
    } catch (error) {
      if (!hasCode(error, "store-precondition", "store-unknown")) throw error;
      const there = await compareWith(target, key, bytes, { signal });
      if (there === "absent") throw error;
      if (there === "differs") return "differs";
      return hasCode(error, "store-unknown") ? "copied" : "present";
    }
    const there = await compareWith(target, key, bytes, { signal });
    if (there !== "absent") return there === "same" ? "copied" : "differs";
    throw new ScbError(
      "store-unknown",
      `${target.location} acknowledged ${key} but doesn't have it: this store loses what it acknowledges`,
    );
  };
  return untilAnswered(put, { clock, random, signal });
}

/** About six seconds for a busy store. */
const maxTries = 8;

/** Retries a write that is safe to send again, whatever its outcome. */
export function untilAnswered<T>(
  write: () => Promise<T>,
  options: Pick<PutOnceOptions, "clock" | "random" | "signal">,
): Promise<T> {
  const canPass = (error: ScbError): boolean => hasCode(error, "store-busy", "store-unknown");
  return retry(write, { canPass, backoff: storeBackoff, maxTries, ...options });
}

/** Reads the whole object and compares it. Throws what the store throws. */
async function compareWith(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  { signal }: RequestOptions,
): Promise<"same" | "differs" | "absent"> {
  try {
    const there = await store.get(key, { signal, maxBytes: bytes.length });
    if (there === null) return "absent";
    return Buffer.compare(there.bytes, bytes) === 0 ? "same" : "differs";
  } catch (error) {
    if (hasCode(error, "store-too-large")) return "differs";
    throw error;
  }
}

/** Whether the etag is the MD5 of these bytes, as on S3 unless it encrypts them with a key. */
function provesBytes(etag: string, bytes: Uint8Array): boolean {
  return etag === `"${md5(bytes).toString("hex")}"`;
}

/** Other programs' metadata is copied too, if every store accepts it. */
function portable(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    checkMetadata(metadata);
    return metadata;
  } catch (error) {
    if (!hasCode(error, "store-rejected")) throw error;
    return Object.fromEntries(Object.entries(metadata).filter(([name]) => name.startsWith("scb-")));
  }
}
