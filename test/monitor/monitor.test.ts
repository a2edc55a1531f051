import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkStores } from "../../src/checks/stores-status.ts";
import { attest } from "../../src/repository/mirror-record.ts";
import { packedBytes, readPointer } from "../support/mirror-fixture.ts";
import { MonitorWorld } from "./monitor-world.ts";

const minuteMs = 60_000;

describe("a monitor of many nodes", () => {
  it("judges each as status does, and writes nothing", async () => {
    const world = new MonitorWorld();
    await world.save("alice", 3);
    await world.save("bob");
    world.states[0]?.delete("bob/latest.json");
    world.states[0]?.set("notes/readme.txt", {
      key: "notes/readme.txt",
      bytes: new Uint8Array(3),
      sizeBytes: 3,
      modifiedAt: 0,
      etag: '"x"',
      metadata: {},
    });
    await world.save("carol");
    const { nodes, told } = await world.round();
    assert.deepEqual(
      [...told],
      [
        ["alice", "safe"],
        ["bob", "unsafe pointer-lost"],
        ["carol", "safe"],
      ],
    );
    for (const { readBackAt: _, ...report } of nodes) {
      const stores = [{ name: "memory:0", store: world.folder(report.node) }];
      const status = await checkStores({
        stores,
        requirement: "all",
        node: report.node,
        maxAgeMs: 36 * 3_600_000,
        clock: world.clock,
      });
      const inMemory = JSON.parse(JSON.stringify(status).replaceAll("memory:/", "memory:0/"));
      assert.deepEqual(JSON.parse(JSON.stringify(report)), inMemory);
    }
    const writes = world.asked[0]?.calls.filter(({ verb }) => verb === "put" || verb === "delete");
    assert.deepEqual(writes, []);
  });

  it("takes two requests a node as long as nothing changes, and one for all", async () => {
    const world = new MonitorWorld();
    for (const node of ["a", "b", "c", "d"]) await world.save(node, 5);
    await world.round();
    world.clock.pass(minuteMs);
    const quiet = await world.round();
    assert.equal(quiet.calls.length, 1 + 2 * 4);
    assert.deepEqual(quiet.calls.filter(({ verb }) => verb === "listFolders").length, 1);
    await world.save("b");
    const changed = await world.round();
    // The new version is read back.
    assert.equal(changed.calls.length, 1 + 2 * 4 + 1);
    assert.equal(changed.told.get("b"), "safe");
  });

  it("takes two in a folder that one page doesn't show, too", async () => {
    const world = new MonitorWorld();
    await world.save("alice", 1_010);
    await world.round();
    for (let round = 0; round < 4; round += 1) {
      world.clock.pass(minuteMs);
      const { calls, told } = await world.round();
      assert.equal(told.get("alice"), "safe");
      assert.ok(calls.length <= 1 + 2, `round ${round}: ${JSON.stringify(calls)}`);
    }
    // What is beyond the pointer is seen within two rounds there.
    const pointer = world.states[0]?.get("alice/latest.json");
    await world.save("alice", 3);
    assert.ok(pointer !== undefined);
    world.states[0]?.set("alice/latest.json", { ...pointer, etag: '"back"' });
    world.clock.pass(minuteMs);
    const seen = [(await world.round()).told.get("alice")];
    world.clock.pass(minuteMs);
    seen.push((await world.round()).told.get("alice"));
    assert.ok(
      seen.some((told) => told?.includes("pointer-behind")),
      JSON.stringify(seen),
    );
  });

  it("finds a version that was overwritten in the next round, by its listing", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    assert.equal((await world.round()).told.get("alice"), "safe");
    await overwrite(world, packedBytes(), { isHidden: false });
    world.clock.pass(minuteMs);
    assert.equal((await world.round()).told.get("alice"), "unsafe version-damaged");
  });

  it("finds one that rotted within the hour, by reading it back", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.round();
    await overwrite(world, packedBytes(), { isHidden: true });
    let minutes = 0;
    for (; minutes < 61; minutes += 1) {
      world.clock.pass(minuteMs);
      if ((await world.round()).told.get("alice") === "unsafe version-damaged") break;
    }
    assert.ok(minutes < 60, `after ${minutes} minutes`);
  });

  it("finds a version that was deleted", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.round();
    const { version } = await readPointer(world.folder("alice"));
    world.states[0]?.delete(`alice/${version.key}`);
    assert.equal((await world.round()).told.get("alice"), "unsafe version-missing");
  });

  it("says when what it vouches for was read back", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    const first = (await world.round()).nodes[0]?.readBackAt;
    world.clock.pass(minuteMs);
    assert.equal((await world.round()).nodes[0]?.readBackAt, first);
    await world.save("alice");
    assert.ok(((await world.round()).nodes[0]?.readBackAt ?? 0) > (first ?? Infinity));
  });

  it("tells of an older pointer that was put back", async () => {
    const world = new MonitorWorld();
    await world.save("alice", 2);
    const old = world.states[0]?.get("alice/latest.json");
    await world.save("alice", 3);
    assert.equal((await world.round()).told.get("alice"), "safe");
    assert.ok(old !== undefined);
    world.states[0]?.set("alice/latest.json", { ...old, modifiedAt: world.clock.now() });
    const told = (await world.round()).told.get("alice");
    assert.equal(told, "unsafe went-back pointer-behind");
  });

  it("tells of a whole folder that went back, until the mirror has gone on from it", async () => {
    const world = new MonitorWorld();
    await world.save("alice", 2);
    const old = new Map(world.states[0]);
    await world.save("alice", 3);
    await world.round();
    world.states[0]?.clear();
    for (const [key, object] of old) world.states[0]?.set(key, object);
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await world.round()).told.get("alice"), "unsafe went-back");
    }
    await world.save("alice");
    assert.equal((await world.round()).told.get("alice"), "safe");
  });

  it("goes on asking for a node whose folder has vanished", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.save("bob");
    await world.round();
    for (const key of [...(world.states[0]?.keys() ?? [])]) {
      if (key.startsWith("bob/")) world.states[0]?.delete(key);
    }
    const { told } = await world.round();
    assert.deepEqual(
      [...told],
      [
        ["alice", "safe"],
        ["bob", "unsafe no-backup went-back"],
      ],
    );
  });

  it("finds a node that comes", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.round();
    await world.save("bob");
    assert.deepEqual([...(await world.round()).told.keys()], ["alice", "bob"]);
  });

  it("finds one whose folder was there before its first backup, soon", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.folder("bob").put("probe/verdict.json", Buffer.from("{}"));
    await world.folder("notes").put("readme.txt", Buffer.from("..."));
    for (let minute = 0; minute < 3; minute += 1) {
      assert.deepEqual([...(await world.round()).told.keys()], ["alice"]);
      world.clock.pass(minuteMs);
    }
    await world.save("bob");
    let minutes = 0;
    for (; minutes < 4; minutes += 1) {
      if ((await world.round()).told.has("bob")) break;
      world.clock.pass(minuteMs);
    }
    assert.ok(minutes < 4);
    for (let minute = 0; minute < 60; minute += 1) {
      world.clock.pass(minuteMs);
      await world.round();
    }
    // What is no node's is hardly looked into any more.
    world.clock.pass(minuteMs);
    const asked = world.asked[0]?.calls.filter(({ key }) => key.startsWith("notes/")) ?? [];
    assert.ok(asked.length < 30, `${asked.length} requests in an hour`);
  });

  it("of one node needs no list of all", async () => {
    const world = new MonitorWorld({ node: "alice" });
    await world.save("alice");
    await world.save("bob");
    const { told, calls } = await world.round();
    assert.deepEqual([...told], [["alice", "safe"]]);
    assert.deepEqual(
      calls.filter(({ verb }) => verb === "listFolders"),
      [],
    );
  });

  it("knows nothing of a store that is away, and says so once", async () => {
    const world = new MonitorWorld();
    for (let node = 0; node < 60; node += 1) await world.save(`node-${node}`);
    await world.round();
    world.asked[0]?.fail("listFolders", /^$/, "store-busy", { times: 1 });
    const unheard = await world.round();
    assert.equal(unheard.calls.length, 1);
    assert.deepEqual(
      unheard.away.map(({ store }) => store),
      ["memory:0"],
    );
    assert.deepEqual([...new Set(unheard.told.values())], ["unknown store-unread"]);
    assert.equal(unheard.nodes.length, 60);
    assert.deepEqual([...new Set((await world.round()).told.values())], ["safe"]);
  });

  it("stops asking a store that goes away in the middle", async () => {
    const world = new MonitorWorld();
    for (let node = 0; node < 100; node += 1) await world.save(`node-${node}`);
    await world.round();
    world.asked[0]?.fail("get", /latest/, "store-unknown", { times: Infinity });
    const { told, calls, away } = await world.round();
    assert.equal(away.length, 1);
    assert.ok(calls.length < 60, `${calls.length} requests`);
    assert.deepEqual([...new Set(told.values())], ["unknown store-unread"]);
  });

  it("of two stores goes on with the other, and compares them", async () => {
    const world = new MonitorWorld({ stores: 2, requirement: 1 });
    const packed = packedBytes();
    await world.save("alice", 1, packed);
    assert.equal((await world.round()).told.get("alice"), "safe");
    world.asked[1]?.fail("listFolders", /^$/, "store-busy", { times: 1 });
    const { told, away } = await world.round();
    assert.equal(away.length, 1);
    assert.equal(told.get("alice"), "safe");
  });

  it("names a node that only one of two stores holds", async () => {
    const world = new MonitorWorld({ stores: 2 });
    await world.save("alice", 1, packedBytes());
    for (const key of [...(world.states[1]?.keys() ?? [])]) world.states[1]?.delete(key);
    assert.equal((await world.round()).told.get("alice"), "unsafe no-backup");
  });
});

/** Other bytes in place of the current version; `isHidden`: no listing shows it. */
async function overwrite(
  world: MonitorWorld,
  bytes: Uint8Array,
  { isHidden }: { readonly isHidden: boolean },
): Promise<void> {
  const { version } = await readPointer(world.folder("alice"));
  const key = `alice/${version.key}`;
  const object = world.states[0]?.get(key);
  assert.ok(object !== undefined);
  const modifiedAt = isHidden ? object.modifiedAt : world.clock.now();
  world.states[0]?.set(key, { ...object, bytes, sizeBytes: bytes.length, modifiedAt });
}

describe("a monitor of a mirror that attests", () => {
  it("tells that it died within 16 minutes, and costs one request more for each attestation", async () => {
    const world = new MonitorWorld({ maxSilenceMs: 15 * minuteMs });
    await world.save("alice");
    await world.round();
    const attested = async (): Promise<void> => {
      const { sequence, version } = await readPointer(world.folder("alice"));
      const at = new Date(world.clock.now()).toISOString();
      await attest(world.folder("alice"), "01KXWNJS600ABCDEFGHJKMNPQR", {
        state: "running",
        at,
        nodeSeenAt: at,
        version: { key: version.key, sequence, sha256: version.sha256 },
        intervalMs: 5 * minuteMs,
        writer: "a test",
      });
    };
    for (let minute = 0; minute < 60; minute += 1) {
      const isDue = minute % 5 === 0;
      if (isDue) await attested();
      const { calls, told } = await world.round();
      assert.equal(told.get("alice"), "safe");
      // Once an hour the version is read back, too.
      if (minute < 50) assert.equal(calls.length, isDue ? 4 : 3);
      world.clock.pass(minuteMs);
    }
    let minutes = 0;
    for (; minutes < 20; minutes += 1) {
      if ((await world.round()).told.get("alice") === "unknown mirror-silent") break;
      world.clock.pass(minuteMs);
    }
    assert.ok(minutes <= 16, `after ${minutes} minutes`);
    await attested();
    assert.equal((await world.round()).told.get("alice"), "safe");
  });
});
