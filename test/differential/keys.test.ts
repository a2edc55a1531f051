import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { decipherWords } from "../../src/keychain/aezeed-words.ts";
import { HdKeyRing } from "../../src/keychain/hd-key-ring.ts";
import { keyFamilies } from "../../src/keychain/key-locator.ts";
import { SeededRandom } from "../fuzz/mutate.ts";
import { type LndOracle, startLndOracle } from "../peers/lnd-oracle.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { fromHex, toHex } from "./hex.ts";
import { printSeed, runSeed } from "./seed.ts";

const networks = ["mainnet", "simnet"] as const;
const places = [
  ...Object.values(keyFamilies).map((family) => ({ family, index: 0 })),
  { family: 0, index: 7 },
  { family: 7, index: 1 },
  { family: 9, index: 2 },
];

/** One seed in 256 is of each of these kinds: the key there begins with a zero byte. */
const shortKeys = {
  "the root": [],
  "m/1017'": [1017],
  "m/1017'/0'": [1017, 0],
  "m/1017'/1'": [1017, 1],
} as const;

peerSuite("keys, and those of a wallet of lnd's", ["lnd-oracle"], () => {
  let oracle: LndOracle;
  const random = new SeededRandom(runSeed);
  const entropy = (): Uint8Array => Uint8Array.from({ length: 16 }, () => random.below(256));
  before(async () => {
    printSeed("differential, keys");
    oracle = await startLndOracle();
  });
  after(() => oracle[Symbol.asyncDispose]());

  async function compareKeys(seed: Uint8Array): Promise<void> {
    for (const [coinType, network] of networks.entries()) {
      const keyRing = HdKeyRing.fromEntropy(seed, network);
      const theirs = await oracle.deriveKeys(seed, coinType, places);
      for (const [at, place] of places.entries()) {
        const ours = await keyRing.deriveKey(place);
        const what = `${network}, ${place.family}/${place.index}, test entropy ${toHex(seed)}`;
        assert.equal(toHex(ours), toHex(theirs[at] ?? assert.fail("no key")), what);
      }
    }
  }

  test("of any seed", async () => {
    for (let count = 0; count < 25; count++) await compareKeys(entropy());
  });

  describe("of a seed whose key begins with a zero byte at", () => {
    for (const [name, path] of Object.entries(shortKeys)) {
      test(name, async () => {
        let seed = entropy();
        while (privateKeyAt(seed, path)[0] !== 0) seed = entropy();
        await compareKeys(seed);
      });
    }
  });

  for (const passphrase of ["", "päss wörter ⚡ \t"]) {
    test(`words with the passphrase ${JSON.stringify(passphrase)}`, async () => {
      const seed = entropy();
      const words = await oracle.makeWords(seed, passphrase);
      assert.equal(toHex(await decipherWords(words, () => passphrase)), toHex(seed));
    });
  }

  test("words without their passphrase, or in another order, are refused by both", async () => {
    const words = await oracle.makeWords(entropy(), "a passphrase");
    await assert.rejects(
      decipherWords(words, () => ""),
      { code: "key" },
    );
    await assert.rejects(oracle.readWords(words, ""), /invalid passphrase/);
    const turned = [...words.slice(1), ...words.slice(0, 1)];
    await assert.rejects(
      decipherWords(turned, () => "a passphrase"),
      { code: "key" },
    );
    await assert.rejects(oracle.readWords(turned, "a passphrase"));
  });
});

/** The private key by plain hashing: no public keys on the way, which are what takes time. */
function privateKeyAt(seed: Uint8Array, path: readonly number[]): Uint8Array {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  let hash = createHmac("sha512", "Bitcoin seed").update(seed).digest();
  let key = hash.subarray(0, 32);
  for (const number of path) {
    // A key before this one that begins with a zero would have other children: not what is looked for.
    const index = Buffer.alloc(4);
    index.writeUInt32BE(0x8000_0000 + number);
    hash = createHmac("sha512", hash.subarray(32))
      .update(Buffer.concat([Buffer.alloc(1), key, index]))
      .digest();
    const sum =
      (BigInt(`0x${hash.toString("hex", 0, 32)}`) + BigInt(`0x${key.toString("hex")}`)) % order;
    key = Buffer.from(fromHex(sum.toString(16).padStart(64, "0")));
  }
  return key;
}
