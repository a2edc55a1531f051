import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LimboChannel } from "../../src/chanbackup/snapshot.ts";
import { decodePointer } from "../../src/repository/pointer.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { keysOf, readPointer } from "../support/mirror-fixture.ts";
import { mirrorOf, ScriptedNode, swap } from "../support/scripted-node.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((digit) => `${digit.repeat(64)}:0`) as [
  string,
  string,
  string,
  string,
];

function inLimbo(...points: readonly string[]): LimboChannel[] {
  return points.map((channelPoint) => ({ channelPoint, limboSat: 1_000, maturityHeight: 700 }));
}

/** A store that holds a, b and c, and a node that has closed a: its export lacks it. */
async function closedWorld() {
  const store = new MemoryStore();
  const node = new ScriptedNode();
  const mirror = mirrorOf(node, store);
  await swap(mirror, node.candidate([a, b, c]));
  node.closed = [a];
  node.limbo = inLimbo(a);
  const also = async () => (await readPointer(store)).alsoRestore ?? [];
  return { store, node, mirror, also };
}

describe("funds in limbo", () => {
  it("are held by the version before the channel was dropped, which the pointer goes on naming", async () => {
    const { store, node, mirror, also } = await closedWorld();
    const [first] = await keysOf(store, "versions/");
    await swap(mirror, node.candidate([b, c]));
    const named = await also();
    assert.deepEqual(
      named.map(({ key, channelPoints }) => ({ key, channelPoints })),
      [{ key: first, channelPoints: [a] }],
    );
    // However many swaps come after it, and from whichever process.
    await swap(mirror, node.candidate([b, c]));
    await swap(mirrorOf(node, store), node.candidate([b, c]));
    assert.deepEqual(await also(), named);
  });

  it("are named until the node calls them resolved, and then no more", async () => {
    const { store, node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    node.limbo = [];
    const resolved = node.candidate([b, c]);
    assert.equal(await mirror.isCovered(await mirror.base(), resolved), false);
    await swap(mirror, resolved);
    assert.deepEqual(await also(), []);
    assert.equal((await readPointer(store)).schema, 1);
  });

  it("stay named by a node that was restored, and doesn't know what it had closed", async () => {
    const { node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    node.closed = [a, b, c];
    await swap(mirror, node.candidate([]));
    const named = await also();
    assert.equal(named.length, 1);
    node.limbo = [];
    node.closed = [];
    const restored = node.candidate([]);
    assert.equal(await mirror.isCovered(await mirror.base(), restored), true);
    await swap(mirror, restored);
    assert.deepEqual(await also(), named);
  });

  it("of several channels, closed one after the other, are all named, by as few versions as will do", async () => {
    const { node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    node.closed = [a, b];
    node.limbo = inLimbo(a, b);
    await swap(mirror, node.candidate([c]));
    assert.deepEqual(
      (await also()).map(({ channelPoints }) => channelPoints),
      [[a, b]],
    );
    node.closed = [a, b, c];
    node.limbo = inLimbo(b, c);
    await swap(mirror, node.candidate([]));
    assert.deepEqual(
      (await also()).map(({ channelPoints }) => channelPoints),
      [[b, c]],
    );
  });

  it("are found in older versions if the channel closed while no mirror knew of limbo", async () => {
    const { store, node, also } = await closedWorld();
    const older = mirrorOf(node, store);
    node.limbo = [];
    await swap(older, node.candidate([b, c]));
    await swap(older, node.candidate([b, c]));
    node.limbo = inLimbo(a);
    const later = mirrorOf(node, store);
    const candidate = node.candidate([b, c]);
    assert.equal(await later.isCovered(await later.base(), candidate), false);
    await swap(later, candidate);
    const [first] = await keysOf(store, "versions/");
    assert.deepEqual(
      (await also()).map(({ key }) => key),
      [first],
    );
  });

  it("are found in a version that never became current, beyond the pointer", async () => {
    const { store, node, also } = await closedWorld();
    const older = mirrorOf(node, store);
    const pointer = await store.get("latest.json");
    node.limbo = [];
    await swap(older, node.candidate([b, c, d]));
    await swap(older, node.candidate([b, c, d]));
    // Somebody restores an older pointer: d is only in what was saved after it.
    await store.put("latest.json", pointer?.bytes ?? new Uint8Array());
    node.closed = [a, d];
    node.limbo = inLimbo(d);
    await swap(mirrorOf(node, store), node.candidate([b, c]));
    assert.deepEqual(
      (await also()).map(({ channelPoints }) => channelPoints),
      [[d]],
    );
  });

  it("are looked for again once another version has come", async () => {
    const { store, node, mirror, also } = await closedWorld();
    node.closed = [a, d];
    node.limbo = inLimbo(d, `${"e".repeat(64)}:0`);
    await swap(mirror, node.candidate([a, b, c]));
    await swap(mirror, node.candidate([a, b, c]));
    assert.deepEqual(await also(), []);
    // Another mirror's upload arrives late.
    const late = node.candidate([a, b, c, d]);
    const key = "versions/00000000000000000002-01JWNJS600ABCDEFGHJKMNPQRS.backup";
    await store.put(key, late.packed, { metadata: { "scb-sha256": late.sha256 } });
    const candidate = node.candidate([a, b, c]);
    assert.equal(await mirror.isCovered(await mirror.base(), candidate), false);
    await swap(mirror, candidate);
    assert.deepEqual(
      (await also()).map((named) => named.key),
      [key],
    );
  });

  it("are never said to be in a version that is gone, though it was read before", async () => {
    const { store, node, mirror, also } = await closedWorld();
    // Opened while another channel was looked for.
    node.closed = [];
    node.limbo = inLimbo(`${"e".repeat(64)}:0`);
    await swap(mirror, node.candidate([a, b, c]));
    await swap(mirror, node.candidate([a, b, c]));
    const [first, second = ""] = await keysOf(store, "versions/");
    await store.delete(second);
    node.closed = [a];
    node.limbo = [...inLimbo(a), ...node.limbo];
    const other = mirrorOf(node, store, "key");
    await swap(other, node.candidate([b, c], { by: "key" }));
    await swap(other, node.candidate([b, c], { by: "key" }));
    await mirror.look("pointer");
    await swap(mirror, node.candidate([b, c]));
    assert.deepEqual(
      (await also()).map(({ key }) => key),
      [first],
    );
  });

  it("are looked for anew if the version that held them is gone", async () => {
    const { store, node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([a, b, c]));
    await swap(mirror, node.candidate([b, c]));
    const [first, second = ""] = await keysOf(store, "versions/");
    assert.equal((await also())[0]?.key, second);
    await store.delete(second);
    const looked = await mirror.look("version");
    assert.equal(looked.kind, "save-anew");
    await swap(mirror, node.candidate([b, c]));
    assert.equal((await also())[0]?.key, first);
  });

  it("stay named by a source that can't tell what is in limbo", async () => {
    const { store, node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    const named = await also();
    await swap(mirrorOf(node, store, "key"), node.candidate([b, c], { by: "key" }));
    assert.equal(named.length, 1);
    assert.deepEqual(await also(), named);
  });

  it("are in the metadata of the version too, for whoever finds no pointer", async () => {
    const { store, node, mirror, also } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    const [named] = await also();
    const newest = (await keysOf(store, "versions/")).at(-1) ?? "";
    const metadata = (await store.head(newest))?.metadata ?? {};
    assert.match(metadata["scb-also-restore"] ?? "", /^1-[0-9A-Z]{26}$/);
    assert.ok(named?.key.endsWith(`${metadata["scb-also-restore"]?.slice(2)}.backup`));
  });

  it("make a pointer that an older program doesn't take", async () => {
    const { store, node, mirror } = await closedWorld();
    await swap(mirror, node.candidate([b, c]));
    const { bytes } = (await store.get("latest.json")) ?? { bytes: new Uint8Array() };
    assert.equal(decodePointer(bytes, "latest.json").schema, 2);
    assert.equal(JSON.parse(Buffer.from(bytes).toString()).schema, 2);
  });

  it("that no version holds leave the swap alone, and are told", async () => {
    const { node, mirror, also } = await closedWorld();
    node.limbo = inLimbo(a, `${"d".repeat(64)}:0`);
    await swap(mirror, node.candidate([b, c]));
    assert.deepEqual(
      (await also()).map(({ channelPoints }) => channelPoints),
      [[a]],
    );
  });
});
