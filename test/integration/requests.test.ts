import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { MirrorEngine } from "../../src/mirror/mirror-engine.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { always } from "../peers/fault-proxy/fault-plan.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import { sha256 } from "../support/bucket.ts";
import type { RunningCli } from "../support/cli.ts";
import { crowd } from "../support/crowd.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { inProcessSwapper } from "../support/in-process-swapper.ts";
import { ScriptedSource } from "../support/scripted-source.ts";

const bucket = "requests";
const events = 100;
const fewSwaps = 10;
/** `npm run bench:crowd` does it with a hundred. */
const writers = 25;

peerSuite("what swaps ask of the store", ["minio"], () => {
  const untilSwaps = (run: RunningCli, swaps: number): Promise<true> =>
    waitFor(`${swaps} swaps`, () => (acknowledged(run.events).length >= swaps ? true : undefined), {
      timeoutMs: 60_000,
      everyMs: 5,
    });

  it("are two writes and nothing else, for each swap", async () => {
    await using ground = await FaultGround.start(bucket);
    const run = ground.run(["--from", "demo", "--demo-interval", "5ms", "--min-interval", "1ms"]);
    await untilSwaps(run, 1);
    const from = ground.proxy.exchanges.length;
    const before = acknowledged(run.events).length;
    await untilSwaps(run, before + 30);
    const to = ground.proxy.exchanges.length;
    const swaps = acknowledged(run.events).length - before;
    // A stop reads back what is current.
    assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    const since = ground.proxy.exchanges.slice(from, to);
    const others = since.filter(({ method, path }) => method !== "PUT" && !path.includes("probe/"));
    assert.deepEqual(others, []);
    // One may have been half done when the count began; the mark of the first swap comes after it.
    assert.ok(Math.abs(since.length - 2 * swaps) <= 2, `${since.length} requests, ${swaps} swaps`);
  });

  for (const latencyMs of [0, 20]) {
    it(`${events} events within a second end in a handful, at ${latencyMs} ms latency`, async () => {
      await using ground = await FaultGround.start(bucket);
      ground.proxy.plan = always({ kind: "slow", ms: latencyMs, jitterMs: 0 });
      const source = new ScriptedSource();
      const told: MirrorEvent[] = [];
      const engine = new MirrorEngine({
        source,
        swapper: await inProcessSwapper(ground, "burst"),
        refreshIntervalMs: 3_600_000,
        minIntervalMs: 250,
        observe: (event) => told.push(event),
        clock: systemClock,
        random: systemRandom,
      });
      const stop = new AbortController();
      const running = engine.run(stop.signal, new AbortController().signal);
      const startedAtMs = performance.now();
      let last: Uint8Array = new Uint8Array();
      for (let event = 0; event < events; event += 1) {
        last = source.change();
        const dueMs = startedAtMs + (event + 1) * 10;
        await delay(Math.max(0, dueMs - performance.now()));
      }
      stop.abort();
      await running;
      const swaps = told.filter(({ kind }) => kind === "swapped").length;
      assert.ok(swaps >= 1 && swaps <= fewSwaps, `${swaps} swaps`);
      const { bytes } = await ground.bucket.current("burst");
      assert.equal(sha256(bytes), sha256(last), "the last state");
    });
  }

  it(`let ${writers} writers on one folder through, each once`, async () => {
    await using ground = await FaultGround.start(bucket);
    await crowd(ground, writers, 120_000);
  });
});
