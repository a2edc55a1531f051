import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Changes, type MonitorEvent } from "../../src/monitor/changes.ts";
import { situationOf } from "../../src/monitor/overall.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { MonitorWorld, summary } from "./monitor-world.ts";

function told(event: MonitorEvent): string {
  return event.kind === "verdict"
    ? `${event.report.node} ${summary(event.report)}`
    : `${event.kind} ${event.store}`;
}

describe("what a monitor tells", () => {
  it("is each node once, and then only what changes", async () => {
    const world = new MonitorWorld();
    const changes = new Changes();
    const next = async () => changes.hear(await world.monitor.round()).map(told);
    await world.save("alice");
    await world.save("bob");
    assert.deepEqual(await next(), ["alice safe", "bob safe"]);
    await world.save("bob");
    assert.deepEqual(await next(), []);
    world.states[0]?.delete("bob/latest.json");
    assert.deepEqual(await next(), ["bob unsafe pointer-lost"]);
    assert.deepEqual(await next(), []);
  });

  it("names a store that is away once, and not each of its nodes", async () => {
    const world = new MonitorWorld();
    const changes = new Changes();
    const next = async () => changes.hear(await world.monitor.round()).map(told);
    for (let node = 0; node < 20; node += 1) await world.save(`node-${node}`);
    assert.equal((await next()).length, 20);
    world.asked[0]?.fail("listFolders", /^$/, "store-busy", { times: 2 });
    assert.deepEqual(await next(), ["retrying memory:0"]);
    assert.deepEqual(await next(), []);
    world.states[0]?.delete("node-7/latest.json");
    assert.deepEqual(await next(), ["recovered memory:0", "node-7 unsafe pointer-lost"]);
  });

  it("of two stores goes on with the one that answers", async () => {
    const world = new MonitorWorld({ stores: 2 });
    const changes = new Changes();
    const next = async () => changes.hear(await world.monitor.round()).map(told);
    await world.save("alice", 1, packedBytes());
    assert.deepEqual(await next(), ["alice safe"]);
    world.asked[1]?.fail("listFolders", /^$/, "store-busy", { times: 2 });
    assert.deepEqual(await next(), ["retrying memory:1"]);
    world.states[0]?.delete("alice/latest.json");
    const [event] = await next();
    assert.match(event ?? "", /^alice unsafe pointer-lost/);
  });
});

describe("the situation of all nodes", () => {
  const options = { stores: ["memory:0"], intervalMs: 60_000 };

  it("is safe, and proved, if each of them is", async () => {
    const world = new MonitorWorld();
    await world.save("alice");
    await world.save("bob");
    const round = await world.monitor.round();
    const nowMs = world.clock.monotonicMs();
    const situation = situationOf(round, { ...options, nowMs });
    assert.equal(situation.verdict, "safe");
    assert.equal(situation.provedAtMs, round.begunMs + round.tookMs);
    const later = situationOf(round, { ...options, nowMs: nowMs + 6 * 60_000 });
    assert.deepEqual([later.verdict, later.provedAtMs], ["unknown", null]);
  });

  it("is unknown before anything was seen, and where nothing is", async () => {
    assert.equal(situationOf(null, { ...options, nowMs: 0 }).verdict, "unknown");
    const round = await new MonitorWorld().monitor.round();
    const { verdict, findings } = situationOf(round, { ...options, nowMs: round.begunMs });
    assert.equal(verdict, "unknown");
    assert.deepEqual(
      findings.map(({ finding }) => finding.code),
      ["no-backup"],
    );
  });

  it("has one finding for a store that is away, whatever it holds", async () => {
    const world = new MonitorWorld();
    for (let node = 0; node < 20; node += 1) await world.save(`node-${node}`);
    await world.monitor.round();
    world.asked[0]?.fail("listFolders", /^$/, "store-busy");
    const round = await world.monitor.round();
    const { verdict, findings } = situationOf(round, { ...options, nowMs: round.begunMs });
    assert.equal(verdict, "unknown");
    assert.deepEqual(
      findings.map(({ node, finding }) => [node, finding.code]),
      [["all nodes", "store-unread"]],
    );
  });

  it("is safe beside a store that is tolerated, and still says that it is away", async () => {
    const world = new MonitorWorld({ stores: 2, requirement: 1 });
    await world.save("alice");
    await world.monitor.round();
    world.asked[1]?.fail("listFolders", /^$/, "store-busy");
    const round = await world.monitor.round();
    const { verdict, findings } = situationOf(round, { ...options, nowMs: round.begunMs });
    assert.equal(verdict, "safe");
    assert.deepEqual(
      findings.map(({ node, store, tolerated }) => [node, store, tolerated]),
      [["all nodes", "memory:1", true]],
    );
  });
});
