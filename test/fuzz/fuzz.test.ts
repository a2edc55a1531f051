import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deserializeMulti } from "../../src/chanbackup/multi.ts";
import { packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import { deserializeSingle } from "../../src/chanbackup/single-codec.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { printSeed, runSeed } from "../differential/seed.ts";
import { bytesOf, check, corpus, fuzz } from "./fuzz.ts";

describe("the corpus", () => {
  for (const entry of corpus) {
    test(`${entry.kind}: ${entry.outcome}`, () =>
      assert.equal(check(entry.kind, bytesOf(entry)), entry.outcome));
  }
});

test("300,000 damaged backups: each is refused in order, or reads back as it is written", () => {
  printSeed("fuzz");
  const { cases, outcomes, slowestMs } = fuzz(runSeed, 300_000, 60_000);
  process.stderr.write(
    `fuzz: ${cases} cases, ${outcomes.size} outcomes, slowest ${slowestMs.toFixed(0)} ms\n`,
  );
  assert.ok(cases > 10_000, `only ${cases} cases in a minute`);
  assert.ok((outcomes.get("single: accepted") ?? 0) > cases / 100, "too few were accepted");
  // Thousands of times what one takes: a hang, not a slow machine.
  assert.ok(slowestMs < 5_000, `one took ${slowestMs} ms`);
});

const sample = bytesOf(
  corpus.find(({ kind, outcome }) => kind === "single" && outcome === "accepted") ??
    assert.fail("no Single in the corpus"),
);
const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
const multi = { version: 0, staticBackups: [deserializeSingle(sample)] } as const;
const packed = packMulti(multi, encrypter);

function unpackError(bytes: Uint8Array): ScbError {
  try {
    unpackMulti(bytes, encrypter);
  } catch (error) {
    if (error instanceof ScbError) return error;
    throw error;
  }
  assert.fail("it was unpacked");
}

assert.equal((sample[0] ?? 0) & 0x80, 0, "the smallest Single has no CloseTxInputs");

test("a packed Multi with any one bit flipped is not unpacked", () => {
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const flipped = packed.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(unpackError(flipped).code, "decrypt");
  }
});

test("a packed Multi cut at any byte is not unpacked", () => {
  for (let size = 0; size < packed.length; size++) {
    const { code } = unpackError(packed.slice(0, size));
    assert.ok(code === "decode" || code === "decrypt", code);
  }
});

describe("a count or length that lies takes no memory", () => {
  const header = (count: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(count, 1);
    return bytes;
  };
  const withCloseTx = (...tx: number[]): Uint8Array =>
    new Uint8Array([(sample[0] ?? 0) | 0x80, ...sample.subarray(1), ...tx]);
  const cases: readonly (readonly [name: string, read: () => unknown])[] = [
    ["2^32 - 1 channels", () => deserializeMulti(Buffer.concat([header(0xffffffff), sample]))],
    ["5,000 channels", () => deserializeMulti(Buffer.concat([header(5_000), sample]))],
    [
      "100,000 inputs",
      () => deserializeSingle(withCloseTx(2, 0, 0, 0, 0xfe, 0xa0, 0x86, 1, 0, 1, 2, 3)),
    ],
    [
      "2^64 - 1 inputs",
      () => deserializeSingle(withCloseTx(2, 0, 0, 0, 0xff, ...new Array<number>(8).fill(0xff))),
    ],
  ];
  for (const [name, read] of cases) {
    test(name, () => {
      const inUse = (): number => {
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        return heapUsed + arrayBuffers;
      };
      const rounds = 50;
      const before = inUse();
      for (let round = 0; round < rounds; round++) assert.throws(read, { code: "decode" });
      assert.ok((inUse() - before) / rounds < 200_000, "more than 200 kB for less than 1");
    });
  }
});
