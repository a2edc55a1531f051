/**
 * How much memory one Multi takes, the first in its process: `multi-memory.ts KEY < PACKED`, with the
 * backup key in hex. Prints JSON. Linux only.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { packMulti, unpackMulti } from "../../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../../src/keychain/encrypter.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import { keepHeapSmall } from "../../../src/runtime/small-heap.ts";

export interface MultiMemory {
  readonly packedBytes: number;
  /** Heap and buffers after garbage collection. */
  readonly heldBytes: number;
  /** The peak resident memory meanwhile, above the level before. */
  readonly unpackingBytes: number;
  readonly packingBytes: number;
}

keepHeapSmall();
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const encrypter = backupKeyEncrypter(Buffer.from(process.argv[2] ?? "", "hex"), systemRandom);
const packed = readFileSync(0);

/** Node frees buffers a moment after the objects that hold them. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collect();
    await sleep(20);
  }
}

function inUseBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function peakBytes(): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kib) * 1024;
}

/** Runs `run`, and says how much more was resident on the way than before it. */
async function peakOf<T>(run: () => T): Promise<{ result: T; bytes: number }> {
  await settle();
  writeFileSync("/proc/self/clear_refs", "5");
  const before = peakBytes();
  const result = run();
  return { result, bytes: peakBytes() - before };
}

const none = { version: 0, staticBackups: [] } as const;
unpackMulti(packMulti(none, encrypter), encrypter);
await settle();
const before = inUseBytes();
const unpacking = await peakOf(() => unpackMulti(packed, encrypter));
await settle();
const heldBytes = inUseBytes() - before;
const packing = await peakOf(() => packMulti(unpacking.result, encrypter).length);
const memory: MultiMemory = {
  packedBytes: packed.length,
  heldBytes,
  unpackingBytes: unpacking.bytes,
  packingBytes: packing.bytes,
};
process.stdout.write(JSON.stringify(memory));
