import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspectWith } from "../../src/chanbackup/backup-contents.ts";
import { serializeMulti } from "../../src/chanbackup/multi.ts";
import { PackSwapper } from "../../src/mirror/pack-swapper.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { encrypter, single } from "../chanbackup/sub-swapper-world.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { guardsFor, keysOf, makeSwapper, readPointer } from "../support/mirror-fixture.ts";

describe("PackSwapper", () => {
  const setUp = () => {
    const store = new FaultyStore(new MemoryStore());
    return { store, swapper: packSwapper(store) };
  };
  const packSwapper = (store: ObjectStore) => {
    const guards = guardsFor(store, { inspect: inspectWith(encrypter) });
    return new PackSwapper({ swapper: makeSwapper(store, { guards }), store, encrypter });
  };
  const packed = (...numbers: number[]) =>
    encrypter.encrypt(serializeMulti({ version: 0, staticBackups: numbers.map(single) }));
  /** As a SubSwapper does it: read, pack anew, swap, and again. */
  const swapUntilSaved = async (swapper: PackSwapper, ...numbers: number[]) => {
    for (;;) {
      try {
        await swapper.extractMulti(encrypter);
        return await swapper.updateAndSwap(packed(...numbers));
      } catch (error) {
        if (!hasCode(error, "store-busy", "store-unknown")) throw ScbError.from(error);
      }
    }
  };

  it("leaves one version behind, however often the pointer could not be moved", async () => {
    const { store, swapper } = setUp();
    await swapUntilSaved(swapper, 1);
    for (const code of ["store-busy", "store-unknown"] as const) {
      store.fail("put", /latest/, code, { times: 20 });
    }
    await swapUntilSaved(swapper, 1, 2);
    assert.equal((await keysOf(store, "versions/")).length, 2);
    const held = await swapper.extractMulti(encrypter);
    assert.equal(held?.staticBackups.length, 2);
  });

  it("makes a new version of channels that changed meanwhile", async () => {
    const { store, swapper } = setUp();
    await swapUntilSaved(swapper, 1);
    store.fail("put", /latest/, "store-busy");
    await swapper.extractMulti(encrypter);
    await assert.rejects(swapper.updateAndSwap(packed(1, 2)));
    await swapUntilSaved(swapper, 1, 2, 3);
    assert.equal((await swapper.extractMulti(encrypter))?.staticBackups.length, 3);
    assert.equal((await keysOf(store, "versions/")).length, 3);
  });

  it("makes a new version where another writer has moved the pointer meanwhile", async () => {
    const { store, swapper } = setUp();
    await swapUntilSaved(swapper, 1);
    store.fail("put", /latest/, "store-busy");
    await swapper.extractMulti(encrypter);
    await assert.rejects(swapper.updateAndSwap(packed(1, 2)));
    const other = packSwapper(store);
    await swapUntilSaved(other, 1, 3);
    await swapUntilSaved(swapper, 1, 2);
    const { sequence, previous } = await readPointer(store);
    assert.deepEqual([sequence, previous?.key], [3, other.lastCommit?.key]);
  });

  it("looks again when what it read the pointer of was pruned meanwhile", async () => {
    const { store, swapper } = setUp();
    await swapUntilSaved(swapper, 1);
    const { version } = await readPointer(store);
    const late = new PackSwapper({ swapper: makeSwapper(store), store, encrypter });
    store.before = async ({ verb, key }) => {
      if (verb !== "get" || key !== version.key) return;
      store.before = () => undefined;
      await swapUntilSaved(swapper, 1, 2);
      await store.delete(version.key);
    };
    await assert.rejects(late.extractBase(encrypter), { code: "superseded" });
    assert.equal((await late.extractBase(encrypter))?.staticBackups.length, 2);
  });

  it("says so while an earlier swap may yet land", async () => {
    const { store, swapper } = setUp();
    await swapUntilSaved(swapper, 1);
    assert.equal(swapper.isInDoubt, false);
    store.fail("put", /latest/, "store-unknown");
    await swapper.extractMulti(encrypter);
    await assert.rejects(swapper.updateAndSwap(packed(1, 2)), { code: "store-unknown" });
    await swapper.extractMulti(encrypter);
    assert.equal(swapper.isInDoubt, true);
    await swapper.updateAndSwap(packed(1));
    await swapper.extractMulti(encrypter);
    assert.equal(swapper.isInDoubt, false);
  });
});
