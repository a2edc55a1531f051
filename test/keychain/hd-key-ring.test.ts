import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { HDKey } from "@scure/bip32";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { HdKeyRing } from "../../src/keychain/hd-key-ring.ts";
import { deriveBackupKey, type KeyRing, keyRingEncrypter } from "../../src/keychain/key-ring.ts";
import { coinTypeOf, type Network, networks } from "../../src/keychain/network.ts";
import { deriveHardenedNonStandard } from "../../src/keychain/non-standard-derivation.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { aezeedVectors, walletVectors } from "./vectors.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const networkOf = (coinType: 0 | 1): Network => (coinType === 0 ? "mainnet" : "regtest");

const testnetVersions = { private: 0x04358394, public: 0x043587cf };
const simnetVersions = { private: 0x0420b900, public: 0x0420bd3a };
const parse = (text: string): HDKey =>
  HDKey.fromExtendedKey(text, text.startsWith("t") ? testnetVersions : undefined);

/** The extended keys on the way to the backup key, from the root down. */
function keysOnTheWay(root: string, coinType: number): string[] {
  const keys = [parse(root)];
  for (const step of [1017, coinType]) {
    const parent = keys.at(-1);
    assert(parent !== undefined);
    keys.push(deriveHardenedNonStandard(parent, step));
  }
  const coinTypeKey = keys.at(-1);
  assert(coinTypeKey !== undefined);
  keys.push(coinTypeKey.derive("m/7'"));
  return keys.map((key) => key.privateExtendedKey);
}

async function allKeys(keyRing: KeyRing, names: readonly string[]): Promise<object> {
  const found = names.map(async (name): Promise<[string, string]> => {
    const [family, index] = name.split("/").map(Number);
    assert(family !== undefined && index !== undefined);
    return [name, hex(await keyRing.deriveKey({ family, index }))];
  });
  return Object.fromEntries(await Promise.all(found));
}

describe("HdKeyRing derives what a real lnd wallet derives", () => {
  for (const vector of walletVectors) {
    const { kind, entropy, root, coinType, keys, backupKey } = vector;
    const network = networkOf(coinType);
    it(`${kind}, ${network}, ${entropy}`, async () => {
      const fromEntropy = HdKeyRing.fromEntropy(Buffer.from(entropy, "hex"), network);
      assert.deepEqual(await allKeys(fromEntropy, Object.keys(keys)), keys);
      for (const extendedKey of keysOnTheWay(root, coinType)) {
        const keyRing = HdKeyRing.fromExtendedKey(extendedKey, network);
        assert.equal(hex(await deriveBackupKey(keyRing)), backupKey);
      }
    });

    it(`and BIP 32 gives it ${kind === "plain" ? "as well" : "not"}, ${entropy}`, () => {
      const path = (family: number): string => `m/1017'/${coinType}'/${family}'/0/0`;
      const standard = [0, 7].map((family) =>
        hex(parse(root).derive(path(family)).publicKey ?? new Uint8Array()),
      );
      const differ = [keys["0/0"] !== standard[0], keys["7/0"] !== standard[1]];
      const expected = {
        plain: [false, false],
        "short purpose key": [true, true],
        "short coin type key": [true, false],
      };
      assert.deepEqual(differ, expected[kind]);
    });
  }
});

describe("HdKeyRing.fromExtendedKey", () => {
  const vector = walletVectors.find(({ coinType }) => coinType === 0);
  assert(vector !== undefined);
  const { root } = vector;
  const [, purposeKey = "", coinTypeKey = "", accountKey = ""] = keysOnTheWay(root, 0);
  const tprv = HDKey.fromMasterSeed(Buffer.from(vector.entropy, "hex"), testnetVersions);
  const sprv = HDKey.fromMasterSeed(Buffer.from(vector.entropy, "hex"), simnetVersions);

  const invalid: readonly [string, string, Network, RegExp][] = [
    ["public", parse(root).publicExtendedKey, "mainnet", /begins with xprv/],
    ["of another network", root, "testnet", /for mainnet, but the network is testnet/],
    ["tprv on mainnet", tprv.privateExtendedKey, "mainnet", /testnet, testnet4, signet, regtest/],
    ["cut off", root.slice(0, -1), "mainnet", /damaged/],
    ["one letter wrong", root.replace(/.$/, (c) => (c === "a" ? "b" : "a")), "mainnet", /damaged/],
    ["a letter that is none", root.replace(/.$/, "0"), "mainnet", /damaged/],
    [
      "another purpose",
      parse(root).derive("m/84'").privateExtendedKey,
      "mainnet",
      /neither the root/,
    ],
    [
      "another coin",
      parse(purposeKey).derive("m/1'").privateExtendedKey,
      "mainnet",
      /neither the root/,
    ],
    ["too deep", parse(accountKey).derive("m/0").privateExtendedKey, "mainnet", /neither the root/],
  ];
  for (const [name, text, network, message] of invalid) {
    it(`refuses a key that is ${name}`, () => {
      assert.throws(
        () => HdKeyRing.fromExtendedKey(text, network),
        (error: unknown) => {
          const shown = inspect(error, { depth: 9, showHidden: true });
          assert(!shown.includes(text.slice(10, 30)), "the key is in the error");
          assert.match(shown, message);
          return true;
        },
      );
    });
  }

  it("refuses a family that the key does not hold", async () => {
    const other = parse(coinTypeKey).derive("m/6'").privateExtendedKey;
    const keyRing = HdKeyRing.fromExtendedKey(other, "mainnet");
    await assert.rejects(deriveBackupKey(keyRing), { code: "key", message: /family 6.*family 7/ });
  });

  const accepted: readonly [Network, string][] = [
    ["mainnet", root],
    ["simnet", sprv.privateExtendedKey],
    ["testnet", tprv.privateExtendedKey],
    ["testnet4", tprv.privateExtendedKey],
    ["signet", tprv.privateExtendedKey],
    ["regtest", tprv.privateExtendedKey],
  ];
  for (const [network, text] of accepted) {
    it(`takes the root key of ${network}`, async () => {
      const entropy = Buffer.from(vector.entropy, "hex");
      assert.equal(
        hex(await deriveBackupKey(HdKeyRing.fromExtendedKey(text, network))),
        hex(await deriveBackupKey(HdKeyRing.fromEntropy(entropy, network))),
      );
    });
  }

  it("shows its key to nobody", () => {
    const keyRing = HdKeyRing.fromExtendedKey(root, "mainnet");
    const shown = inspect(keyRing, { depth: 9, showHidden: true }) + JSON.stringify({ keyRing });
    assert.match(shown, /^HdKeyRing {}{"keyRing":{}}$/);
  });
});

it("keyRingEncrypter seals with the backup key of the key ring", async () => {
  for (const { entropy, coinType, backupKey } of walletVectors) {
    const keyRing = HdKeyRing.fromEntropy(Buffer.from(entropy, "hex"), networkOf(coinType));
    const packed = (await keyRingEncrypter(keyRing, systemRandom)).encrypt(Uint8Array.of(1, 2));
    const direct = backupKeyEncrypter(Buffer.from(backupKey, "hex"), systemRandom);
    assert.deepEqual(direct.decrypt(packed), Uint8Array.of(1, 2));
  }
});

it("the coin type is 0 on mainnet and 1 elsewhere", () => {
  assert.deepEqual(networks.map(coinTypeOf), [0, 1, 1, 1, 1, 1]);
});

it("HdKeyRing takes the words as a person has them", async () => {
  const [vector] = aezeedVectors;
  assert(vector !== undefined);
  const { words, passphrase, entropy } = vector;
  const same = HdKeyRing.fromEntropy(Buffer.from(entropy, "hex"), "mainnet");
  const expected = hex(await deriveBackupKey(same));
  const numbered = words.split(" ").map((word, at) => `${at + 1}. ${word.toUpperCase()}`);
  for (const given of [words.split(" "), `  ${words}\n`, numbered.join("\n")]) {
    const keyRing = await HdKeyRing.fromWords(given, "mainnet", passphrase);
    assert.equal(hex(await deriveBackupKey(keyRing)), expected);
  }
  await assert.rejects(HdKeyRing.fromWords("not words", "mainnet"), { code: "key" });
});
