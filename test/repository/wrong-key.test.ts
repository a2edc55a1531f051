import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadedKey } from "../../src/keychain/loaded-key.ts";
import { latestKey } from "../../src/repository/layout.ts";
import {
  explainingEncrypter,
  explainWrongKey,
  nodePubkeyOf,
} from "../../src/repository/wrong-key.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { makeSwapper, swapOnce } from "../support/mirror-fixture.ts";

const [alice, bob] = [`02${"a".repeat(64)}`, `03${"b".repeat(64)}`];
const failed = new ScbError("decrypt", "message authentication failed: probably");

describe("a backup that a key does not open", () => {
  const cases: readonly (readonly [string, string | null, string | null, RegExp])[] = [
    ["of another node, for certain", alice, bob, /wrong key. .* node 02a+, .* node 03b+:/],
    [
      "of the same node: damaged",
      alice,
      alice,
      /although the key belongs to node 02a+: the backup/,
    ],
    ["of a node that nobody named", alice, null, /this key belongs to node 02a+. If the backup/],
    ["with a key that names no node", null, bob, /^message authentication failed: probably$/],
  ];
  for (const [name, identityPubkey, nodePubkey, message] of cases) {
    it(name, () => {
      const error = explainWrongKey(failed, { identityPubkey }, nodePubkey);
      assert.ok(error instanceof ScbError);
      assert.equal(error.code, "decrypt");
      assert.match(error.message, message);
    });
  }

  it("an encrypter says so when it decrypts", () => {
    const backupKey = new Uint8Array(32);
    const parts = { kind: "words", network: "regtest", warnings: [], backupKey } as const;
    const key = loadedKey({ ...parts, identityPubkey: alice }, systemRandom);
    const encrypter = explainingEncrypter(key, bob);
    const packed = encrypter.encrypt(Uint8Array.of(1));
    assert.deepEqual(encrypter.decrypt(packed), Uint8Array.of(1));
    packed[30] = (packed[30] ?? 0) ^ 1;
    assert.throws(() => encrypter.decrypt(packed), {
      code: "decrypt",
      message: /this is the wrong key/,
    });
  });

  it("any other error stays what it is", () => {
    const other = new ScbError("decode", "cut off");
    assert.equal(explainWrongKey(other, { identityPubkey: alice }, bob), other);
  });
});

describe("whose folder it is", () => {
  it("its name says, where it is a public key", async () => {
    assert.equal(await nodePubkeyOf(new MemoryStore(), alice), alice);
  });

  it("else its pointer", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store, { node: { pubkey: bob, network: "regtest" } }));
    assert.equal(await nodePubkeyOf(store, "my-node"), bob);
  });

  it("else nothing: no pointer, one without a key, a damaged one", async () => {
    const store = new MemoryStore();
    assert.equal(await nodePubkeyOf(store, "my-node"), null);
    await swapOnce(makeSwapper(store));
    assert.equal(await nodePubkeyOf(store, "my-node"), null);
    await store.put(latestKey, Buffer.from("{}"));
    assert.equal(await nodePubkeyOf(store, "my-node"), null);
  });
});
