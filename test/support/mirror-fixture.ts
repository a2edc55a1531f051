import { type Candidate, channelPointsDigest } from "../../src/mirror/candidate.ts";
import {
  type Guard,
  refuseEmpty,
  refuseMalformed,
  refuseUnverifiedShrink,
} from "../../src/mirror/guard.ts";
import {
  ObjectStoreSwapper,
  type ObjectStoreSwapperOptions,
} from "../../src/mirror/object-store-swapper.ts";
import { decodePointer, type Pointer } from "../../src/mirror/pointer.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "./hasty-clock.ts";

export const guards: readonly Guard[] = [
  refuseMalformed,
  refuseEmpty(() => false),
  refuseUnverifiedShrink,
];

export function makeSwapper(
  store: ObjectStore,
  options: Partial<ObjectStoreSwapperOptions> = {},
): ObjectStoreSwapper {
  return new ObjectStoreSwapper({
    store,
    writer: "a test",
    node: { pubkey: null, network: "regtest" },
    guards,
    singleWriter: false,
    clock: hastyClock(),
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
}

/** Bytes that could be a packed Multi: random, as encrypted ones are, and unique. */
export function packedBytes(sizeBytes = 700): Uint8Array {
  return systemRandom.bytes(sizeBytes);
}

export function candidateOf(
  packed: Uint8Array,
  points: readonly string[] | null = null,
): Candidate {
  return {
    packed,
    sha256: sha256Hex(packed),
    channels: points === null ? null : points.length,
    channelPointsSha256: points === null ? null : channelPointsDigest(points),
    verifiedBy: null,
  };
}

/** One swap, from base to commit. */
export async function swapOnce(swapper: ObjectStoreSwapper, packed = packedBytes()) {
  const base = await swapper.base();
  const operation = await swapper.begin(base, candidateOf(packed));
  return swapper.advance(operation);
}

export async function readPointer(store: ObjectStore): Promise<Pointer> {
  const object = await store.get("latest.json");
  if (object === null) throw new Error("there is no pointer");
  return decodePointer(object.bytes, "latest.json");
}

export async function keysOf(store: ObjectStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
