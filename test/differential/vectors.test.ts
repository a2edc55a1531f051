import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { serializeMulti } from "../../src/chanbackup/multi.ts";
import { packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { decipherWords } from "../../src/keychain/aezeed-words.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { HdKeyRing } from "../../src/keychain/hd-key-ring.ts";
import { loadKeyFile } from "../../src/keychain/key-file.ts";
import { deriveBackupKey } from "../../src/keychain/key-ring.ts";
import type { LoadedKey } from "../../src/keychain/loaded-key.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { allSingleVersions } from "../chanbackup/arbitraries.ts";
import { fromHex, toHex } from "./hex.ts";
import { inspected } from "./inspected.ts";
import { keyVectors, multiVectors, nodeVectors, singleVectors } from "./vectors.ts";

describe("vectors of lnd's: Singles", () => {
  for (const [at, { plaintext, single }] of singleVectors.entries()) {
    test(`${at}: ${single.fundingOutpoint}`, () => {
      const ours = deserializeSingle(fromHex(plaintext));
      assert.deepEqual(inspected(ours), single);
      assert.equal(toHex(serializeSingle(ours)), plaintext);
    });
  }

  test("are of every version", () => {
    const versions = singleVectors.map(({ single }) => single["version"]);
    assert.deepEqual([...new Set(versions)].sort(), allSingleVersions);
  });
});

describe("vectors of lnd's: Multis", () => {
  for (const { backupKey, packed, channels } of multiVectors) {
    test(`of ${channels.length} channels`, () => {
      const encrypter = backupKeyEncrypter(fromHex(backupKey), systemRandom);
      const multi = unpackMulti(fromHex(packed), encrypter);
      assert.deepEqual(multi.staticBackups.map(inspected), channels);
      const again = unpackMulti(packMulti(multi, encrypter), encrypter);
      assert.deepEqual(serializeMulti(again), serializeMulti(multi));
    });
  }
});

describe("vectors of lnd's: keys of a seed in which a zero byte begins", () => {
  for (const [at, vector] of keyVectors.entries()) {
    test(`${at}: ${vector.beginsWithZero}, coin type ${vector.coinType}`, async () => {
      const network = vector.coinType === 0 ? "mainnet" : "simnet";
      const keyRing = HdKeyRing.fromEntropy(fromHex(vector.entropy), network);
      for (const [family, expected] of vector.pubKeys.entries()) {
        assert.equal(toHex(await keyRing.deriveKey({ family, index: 0 })), expected);
      }
      assert.equal(toHex(await deriveBackupKey(keyRing)), vector.backupKey);
    });
  }

  // Each takes about a second of computing.
  for (const { words, passphrase, entropy } of keyVectors.slice(1, 3)) {
    test(`words ${passphrase === "" ? "without" : "with"} a passphrase`, async () => {
      assert.equal(toHex(await decipherWords(words.split(" "), () => passphrase)), entropy);
    });
  }
});

test("vectors are there of the lnd versions that are in use", () => {
  assert.deepEqual(
    nodeVectors.map(({ lnd }) => lnd),
    ["0.18.5-beta", "0.19.3-beta", "0.20.1-beta", "0.21.0-beta"],
  );
});

for (const node of nodeVectors) {
  describe(`backups of a real node, lnd ${node.lnd}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-vectors-"));
    after(() => rm(folder, { recursive: true }));
    const load = async (text: string): Promise<LoadedKey> => {
      const path = join(folder, "key");
      await writeFile(path, text, { mode: 0o600 });
      const { network, passphrase } = node;
      return loadKeyFile(path, {
        network,
        random: systemRandom,
        passphrase: async () => passphrase,
      });
    };
    const { encrypter, ...key } = await load(node.words);

    test("its words give its identity key and its backup key", () => {
      assert.equal(key.identityPubkey, node.pubKey);
      assert.equal(key.backupKey(), node.backupKey);
    });

    test("its backup key alone opens its backups", async () => {
      const { encrypter } = await load(node.backupKey);
      for (const file of Object.keys(node.files)) unpackMulti(node.read(file), encrypter);
    });

    for (const [file, channels] of Object.entries(node.files)) {
      test(`${file} holds ${channels.length} channels`, () => {
        const multi = unpackMulti(node.read(file), encrypter);
        assert.deepEqual(multi.staticBackups.map(inspected), channels);
        const plaintext = encrypter.decrypt(node.read(file));
        const singles = multi.staticBackups.map(serializeSingle);
        assert.equal(
          toHex(Buffer.concat([plaintext.subarray(0, 5), ...singles])),
          toHex(plaintext),
        );
      });
    }
  });
}
