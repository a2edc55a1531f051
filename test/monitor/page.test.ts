import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodesMetrics } from "../../src/monitor/views/metrics.ts";
import { nodesPage } from "../../src/monitor/views/page.ts";
import { nodesReadiness } from "../../src/monitor/views/readiness.ts";
import { afterRound, newNodesWatched } from "../../src/monitor/views/record.ts";
import { MonitorWorld } from "./monitor-world.ts";

async function watchedWorld() {
  const world = new MonitorWorld();
  await world.save("alice");
  await world.save("bob");
  world.states[0]?.delete("bob/latest.json");
  const now = () => ({ wallMs: world.clock.now(), monotonicMs: world.clock.monotonicMs() });
  const begun = newNodesWatched("1.2.3", now(), 60_000);
  return { world, now, begun };
}

describe("the views of many nodes", () => {
  it("have the worst first, with what to do", async () => {
    const { world, now, begun } = await watchedWorld();
    const watched = afterRound(begun, await world.monitor.round(), now());
    const { body } = nodesPage(watched, now(), new URLSearchParams());
    assert.match(body, /<h1>Not safe<\/h1>/);
    assert.ok(body.indexOf(">bob<") < body.indexOf(">alice<"));
    assert.match(body, /scb-mirror repair --to memory:0 --node bob/);
    assert.doesNotMatch(body, /<script/);
  });

  it("know nothing before the first round", async () => {
    const { now, begun } = await watchedWorld();
    assert.equal(nodesReadiness(begun, now()).text, "unknown\n");
    assert.match(nodesPage(begun, now(), new URLSearchParams()).body, /<h1>Not known<\/h1>/);
  });

  it("call nothing safe by a round that is long ago", async () => {
    const { world, now, begun } = await watchedWorld();
    world.states[0]?.clear();
    await world.save("alice");
    const watched = afterRound(begun, await world.monitor.round(), now());
    assert.equal(nodesReadiness(watched, now()).isReady, true);
    assert.match(await nodesMetrics(watched, now()), /^scb_mirror_safe\{node="alice"\} 1$/m);
    world.clock.pass(6 * 60_000);
    assert.equal(nodesReadiness(watched, now()).isReady, false);
    assert.match(await nodesMetrics(watched, now()), /^scb_mirror_safe\{node="alice"\} 0$/m);
    assert.match(nodesPage(watched, now(), new URLSearchParams()).body, /<h1>Not known<\/h1>/);
  });

  it("show the time for which a verdict has lasted, and at most 200 nodes", async () => {
    const { world, now, begun } = await watchedWorld();
    for (let node = 0; node < 210; node += 1) await world.save(`node-${node}`);
    const first = afterRound(begun, await world.monitor.round(), now());
    world.clock.pass(180_000);
    const { body } = nodesPage(
      afterRound(first, await world.monitor.round(), now()),
      now(),
      new URLSearchParams(),
    );
    assert.match(body, /Safe for 3 minutes/);
    assert.match(body, /And 12 more nodes/);
  });
});
