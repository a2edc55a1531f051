import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore } from "../../src/store/memory-store.ts";
import {
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";
import { mirrorOf, refusalOf, ScriptedNode, swap } from "../support/scripted-node.ts";

const [a, b] = ["a", "b"].map((digit) => `${digit.repeat(64)}:0`) as [string, string];

async function savedWorld(swaps = 2) {
  const store = new MemoryStore();
  const swapper = makeSwapper(store);
  for (let done = 0; done < swaps; done += 1) await swapOnce(swapper);
  return { store, swapper, current: (await readPointer(store)).version };
}

describe("a look at the store", () => {
  for (const depth of ["pointer", "version"] as const) {
    it(`confirms what is there: ${depth}`, async () => {
      const { swapper, current } = await savedWorld();
      const looked = await swapper.look(depth);
      assert.equal(looked.kind, "confirmed");
      assert.equal(looked.base.held?.key, current.key);
    });
  }

  it("finds that the version is gone", async () => {
    const { store, swapper, current } = await savedWorld();
    await store.delete(current.key);
    const looked = await swapper.look("version");
    assert.ok(looked.kind === "save-anew");
    assert.match(looked.error.message, /is gone/);
  });

  it("finds other bytes of the same size", async () => {
    const { store, swapper, current } = await savedWorld();
    await store.put(current.key, packedBytes(current.size));
    const looked = await swapper.look("version");
    assert.ok(looked.kind === "save-anew");
    assert.match(looked.error.message, /doesn't hold the bytes that were saved/);
  });

  it("reads what another writer made current, even if only the pointer is looked at", async () => {
    const { store, swapper } = await savedWorld();
    await swapOnce(makeSwapper(store));
    await store.delete((await readPointer(store)).version.key);
    assert.equal((await swapper.look("pointer")).kind, "save-anew");
  });

  it("finds bytes that nothing here opens, though the pointer has their hash", async () => {
    const store = new MemoryStore();
    const node = new ScriptedNode();
    const mirror = mirrorOf(node, store, "key");
    await swap(mirror, node.candidate([a, b], { by: "key" }));
    await swap(mirror, node.candidate([a, b], { by: "key" }));
    // Somebody writes a version and a pointer of his own over ours.
    const forger = makeSwapper(store);
    await swapOnce(forger);
    const looked = await mirror.look("version");
    assert.ok(looked.kind === "save-anew");
    assert.match(looked.error.message, /does not open/);
    // The folder is ours still, for the version before that opens: the node's state is saved on top.
    await refusalOf(mirror, node.candidate([b], { by: "key", bare: [b] }));
    await swap(mirror, node.candidate([a, b], { by: "key" }));
    assert.equal((await mirror.look("version")).kind, "confirmed");
  });

  for (const opener of [null, "key"] as const) {
    const who = opener === null ? "nothing opens" : "a key opens, and no node is asked";
    it(`saves anew once for an older version that is needed and gone, where ${who}`, async () => {
      const store = new MemoryStore();
      const node = new ScriptedNode();
      const mirror = opener === null ? makeSwapper(store) : mirrorOf(node, store, "key");
      const save = (): Promise<unknown> =>
        opener === null ? swapOnce(mirror) : swap(mirror, node.candidate([a, b], { by: "key" }));
      await save();
      await save();
      const pointer = await readPointer(store);
      const { key, sha256 = null } = pointer.previous ?? { key: "" };
      const needed = { key, sha256, channelPoints: [a] };
      const named = { ...pointer, schema: 2, alsoRestore: [needed] };
      await store.put("latest.json", Buffer.from(JSON.stringify(named)));
      await store.delete(key);
      const first = await mirror.look("version");
      assert.ok(first.kind === "save-anew" && first.key === key);
      assert.match(
        first.error.message,
        /is gone, and closed channels with locked funds depend on it/,
      );
      await save();
      assert.equal((await mirror.look("version")).kind, "confirmed");
      assert.equal((await mirror.look("version")).kind, "confirmed");
      assert.equal(mirror.missingAlso.length, 1);
      assert.deepEqual((await readPointer(store)).alsoRestore, [needed]);
    });
  }

  it("alarms once if the folder went back, and goes on from there", async () => {
    const { store, swapper } = await savedWorld(1);
    const pointer = await store.get("latest.json");
    const [first] = await keysOf(store, "versions/");
    await swapOnce(swapper);
    await swapOnce(swapper);
    assert.equal(swapper.takeSetback(), null);
    await store.put("latest.json", pointer?.bytes ?? new Uint8Array());
    const looked = await swapper.look("pointer");
    assert.equal(looked.base.held?.key, first);
    assert.equal(swapper.takeSetback()?.code, "went-back");
    assert.equal(swapper.takeSetback(), null);
    await swapOnce(swapper);
    assert.equal(swapper.takeSetback(), null);
    assert.equal((await readPointer(store)).sequence, 2);
  });

  it("alarms if the folder went back, and another mirror has gone on from there", async () => {
    const { store, swapper } = await savedWorld(2);
    const copy = await store.get("latest.json");
    await swapOnce(swapper);
    await store.put("latest.json", copy?.bytes ?? new Uint8Array());
    const other = makeSwapper(store);
    await swapOnce(other);
    await swapOnce(other);
    assert.equal((await swapper.look("pointer")).base.held?.sequence, 4);
    assert.equal(swapper.takeSetback()?.code, "went-back");
    assert.equal(other.takeSetback(), null);
  });

  it("takes what other mirrors committed for no alarm, however much that is", async () => {
    const { store, swapper } = await savedWorld(2);
    const other = makeSwapper(store);
    for (let swaps = 0; swaps < 70; swaps += 1) {
      await swapOnce(other);
      if (swaps === 3 || swaps === 69) await swapper.look("pointer");
    }
    assert.equal(swapper.takeSetback(), null);
  });

  it("alarms if the same sequence names another version", async () => {
    const { store, swapper } = await savedWorld(1);
    const pointer = await readPointer(store);
    const other = pointer.version.key.replace(/[0-9A-Z]{26}/, "01JWNJS600ABCDEFGHJKMNPQRS");
    await store.put(other, packedBytes());
    const forged = { ...pointer, version: { ...pointer.version, key: other } };
    await store.put("latest.json", Buffer.from(JSON.stringify(forged)));
    await swapper.look("pointer");
    assert.equal(swapper.takeSetback()?.code, "went-back");
  });
});

describe("a forged pointer", () => {
  it("at the end of all sequences is damaged, and never gone on from", async () => {
    const { store, swapper } = await savedWorld();
    const pointer = await readPointer(store);
    for (const sequence of [Number.MAX_SAFE_INTEGER, 1_000_000_000_000]) {
      const key = pointer.version.key.replace(/\d{20}/, String(sequence).padStart(20, "0"));
      await store.put(key, packedBytes());
      const forged = { ...pointer, sequence, version: { ...pointer.version, key } };
      await store.put("latest.json", Buffer.from(JSON.stringify(forged)));
      await assert.rejects(swapper.readBase(), { code: "pointer-damaged" });
    }
    const last = 999_999_999_999;
    const key = pointer.version.key.replace(/\d{20}/, String(last).padStart(20, "0"));
    const forged = { ...pointer, sequence: last, version: { ...pointer.version, key } };
    await store.put("latest.json", Buffer.from(JSON.stringify(forged)));
    await assert.rejects(swapOnce(makeSwapper(store)), { code: "pointer-damaged" });
  });

  it("with a line break in its text is damaged", async () => {
    const { store, swapper } = await savedWorld();
    const pointer = await readPointer(store);
    const writer = "me\n  covers  every channel that the node has open now";
    await store.put("latest.json", Buffer.from(JSON.stringify({ ...pointer, writer })));
    await assert.rejects(swapper.readBase(), { code: "pointer-damaged" });
  });
});

describe("the guards", () => {
  it("compare with the version before, if the current one is damaged", async () => {
    const store = new MemoryStore();
    const node = new ScriptedNode();
    const mirror = mirrorOf(node, store);
    await swap(mirror, node.candidate([a, b]));
    await swap(mirror, node.candidate([a, b]));
    const { key, size } = (await readPointer(store)).version;
    await store.put(key, packedBytes(size));
    const other = mirrorOf(node, store);
    const { refusal } = await refusalOf(other, node.candidate([b]));
    assert.equal(refusal.code, "channels-gone");
  });
});
