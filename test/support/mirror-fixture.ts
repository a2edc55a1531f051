import { type Candidate, newCandidate } from "../../src/mirror/candidate.ts";
import { HeldBackups, type HeldBackupsOptions } from "../../src/mirror/held-backups.ts";
import { mirrorGuards } from "../../src/mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import { SingleWriterSwapper } from "../../src/mirror/single-writer-swapper.ts";
import type { StateSwapper, StateSwapperOptions } from "../../src/mirror/state-swapper.ts";
import { decodePointer, type Pointer } from "../../src/repository/pointer.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "./hasty-clock.ts";

/** The guards of a mirror, with a node or a key if the test gives one. */
export function guardsFor(store: ObjectStore, asked: Partial<HeldBackupsOptions> = {}) {
  return mirrorPartsFor(store, asked).guards;
}

/** The same, with the part that remembers and decrypts the versions in the store. */
export function mirrorPartsFor(store: ObjectStore, asked: Partial<HeldBackupsOptions> = {}) {
  const nobody = { witness: null, inspect: null, logger: silentLogger };
  const heldBackups = new HeldBackups({ store, ...nobody, ...asked });
  return { heldBackups, guards: mirrorGuards(heldBackups, () => false) };
}

export function makeSwapper(
  store: ObjectStore,
  {
    singleWriter = false,
    ...options
  }: Partial<StateSwapperOptions> & { singleWriter?: boolean } = {},
): StateSwapper {
  const Swapper = singleWriter ? SingleWriterSwapper : ObjectStoreSwapper;
  return new Swapper({
    store,
    writer: "a test",
    node: { pubkey: null, network: "regtest" },
    guards: guardsFor(store),
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
  const contents = points === null ? null : { channelPoints: points, bareChannelPoints: [] };
  return newCandidate(packed, contents, null);
}

/** One swap, from base to commit. */
export async function swapOnce(swapper: StateSwapper, packed = packedBytes()) {
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
