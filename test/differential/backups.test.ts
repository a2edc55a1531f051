import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Multi, serializeMulti, sortSingles } from "../../src/chanbackup/multi.ts";
import { packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import { packSingle, unpackSingle } from "../../src/chanbackup/packed-single.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { allSingleVersions, arbitrarySingle } from "../chanbackup/arbitraries.ts";
import { type LndOracle, type LndRead, startLndOracle } from "../peers/lnd-oracle.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";
import { toHex } from "./hex.ts";
import { inspected } from "./inspected.ts";
import { printSeed, runSeed } from "./seed.ts";

const caseCount = 4000;
const pubKey = publicKeyOf(1017);
const backupKey = createHash("sha256").update(pubKey).digest();
const encrypter = backupKeyEncrypter(backupKey, systemRandom);

/** What the oracle said of a Single that it took. */
function accepted(read: LndRead): Extract<LndRead, { single: unknown }> {
  if ("error" in read) assert.fail(`lnd refuses it: ${read.error}`);
  return read;
}

/** A DNS name that is not ASCII is printed from other replacement characters by Go: only that differs. */
function withoutOddNames(described: unknown): unknown {
  const text = JSON.stringify(described);
  return /[^\x20-\x7e]/.test(text)
    ? JSON.parse(text, (key, value) =>
        key === "addresses" ? value.filter((a: string) => /^[\x20-\x7e]*$/.test(a)) : value,
      )
    : described;
}

peerSuite("the codec and lnd's own", ["lnd-oracle"], () => {
  let oracle: LndOracle;
  before(async () => {
    printSeed("differential, backups");
    oracle = await startLndOracle();
  });
  after(() => oracle[Symbol.asyncDispose]());

  const ourSingles = (): Single[] =>
    fc.sample(arbitrarySingle, { numRuns: caseCount, seed: runSeed });

  test("Singles that lnd made read as lnd says, and are written back as they were", async () => {
    const versions = new Set<number>();
    for (const read of await oracle.makeSingles(runSeed, caseCount)) {
      const { rewritten, single } = accepted(read);
      const ours = deserializeSingle(rewritten);
      versions.add(ours.version);
      assert.deepEqual(inspected(ours), single);
      assert.equal(toHex(serializeSingle(ours)), toHex(rewritten));
    }
    assert.deepEqual([...versions].sort(), allSingleVersions);
  });

  test("Singles that we made read in lnd as we say, and lnd writes the same bytes", async () => {
    const singles = ourSingles();
    const reads = await oracle.readSingles(singles.map(serializeSingle));
    for (const [at, single] of singles.entries()) {
      const read = accepted(reads[at] ?? assert.fail("no answer"));
      assert.equal(read.leftBytes, 0);
      assert.equal(toHex(read.rewritten), toHex(serializeSingle(single)));
      assert.deepEqual(withoutOddNames(inspected(single)), withoutOddNames(read.single));
    }
  });

  test("packed Singles are unpacked on the other side", async () => {
    for (const single of ourSingles().slice(0, 100)) {
      const plaintext = serializeSingle(single);
      const read = accepted(await oracle.unpackSingle(pubKey, packSingle(single, encrypter)));
      assert.equal(toHex(read.rewritten), toHex(plaintext));
      const packedByLnd = await oracle.packSingle(pubKey, plaintext);
      assert.deepEqual(unpackSingle(packedByLnd, encrypter), single);
    }
  });

  for (const channels of [0, 1, 2, 57, 3000]) {
    test(`a Multi of ${channels} channels is unpacked on the other side`, async () => {
      const made = await oracle.makeSingles(runSeed + channels, channels);
      const plaintexts = made.map((read) => accepted(read).rewritten);
      const packedByLnd = await oracle.packMulti(pubKey, plaintexts);
      const multi = unpackMulti(packedByLnd, encrypter);
      assertSame(multi.staticBackups, made);

      const packedByUs = packMulti(multi, encrypter);
      assert.equal(packedByUs.length, packedByLnd.length);
      const reads = await oracle.unpackMulti(pubKey, packedByUs);
      assertSame(sortSingles(multi.staticBackups), reads);
    });
  }

  test("the plaintext of a Multi is lnd's own byte for byte, given the same order", async () => {
    const made = await oracle.makeSingles(runSeed + 1, 200);
    const byOutPoint = sortSingles(made.map((read) => deserializeSingle(accepted(read).rewritten)));
    const multi: Multi = { version: 0, staticBackups: byOutPoint };
    const packedByLnd = await oracle.packMulti(pubKey, byOutPoint.map(serializeSingle));
    assert.equal(toHex(encrypter.decrypt(packedByLnd)), toHex(serializeMulti(multi)));
    assert.equal(new Set(byOutPoint.map((s) => formatOutPoint(s.fundingOutpoint))).size, 200);
  });

  test("under another key both refuse", async () => {
    const packed = packMulti({ version: 0, staticBackups: [] }, encrypter);
    await assert.rejects(oracle.unpackMulti(publicKeyOf(2), packed), /message authentication/);
    const packedByLnd = await oracle.packMulti(publicKeyOf(2), []);
    assert.throws(() => unpackMulti(packedByLnd, encrypter), { code: "decrypt" });
  });
});

/** One by one: a difference of thousands of channels is more than a person can read. */
function assertSame(ours: readonly Single[], reads: readonly LndRead[]): void {
  assert.equal(ours.length, reads.length);
  for (const [at, read] of reads.entries()) {
    const single = ours[at] ?? assert.fail("fewer than lnd has");
    assert.deepEqual(inspected(single), accepted(read).single);
  }
}
