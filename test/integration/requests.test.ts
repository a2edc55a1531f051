import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { Feeder } from "../../src/mirror/feeder.ts";
import type { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import { always } from "../peers/fault-proxy/fault-plan.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import { sha256 } from "../support/bucket.ts";
import type { RunningCli } from "../support/cli.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { makeSwapper } from "../support/mirror-fixture.ts";
import { ScriptedSource } from "../support/scripted-source.ts";
import { auditSwaps } from "../support/swap-audit.ts";

const bucket = "requests";
const events = 100;
const fewSwaps = 10;
const writers = 100;

peerSuite("what swaps ask of the store", ["minio"], () => {
  const untilSwaps = (run: RunningCli, swaps: number): Promise<true> =>
    waitFor(`${swaps} swaps`, () => (acknowledged(run.events).length >= swaps ? true : undefined), {
      timeoutMs: 60_000,
      everyMs: 5,
    });
  /** A swapper on a folder of the bucket, in this process, behind the proxy. */
  const inProcess = async (ground: FaultGround, folder: string): Promise<ObjectStoreSwapper> => {
    const { endpoint } = ground.proxy;
    const { accessKeyId, secretAccessKey } = ground.minio;
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const requestTimeoutMs = 30_000;
    const client = await createS3Client({
      ...{ endpoint, requestTimeoutMs, connectTimeoutMs: requestTimeoutMs, region: "us-east-1" },
    });
    const store = new S3Store({ client, bucket, prefix: folder, requestTimeoutMs });
    return makeSwapper(store, { clock: systemClock });
  };

  it("are two writes and nothing else, for each swap", async () => {
    await using ground = await FaultGround.start(bucket);
    const run = ground.run(["--from", "demo", "--demo-interval", "5ms", "--min-interval", "1ms"]);
    await untilSwaps(run, 1);
    const from = ground.proxy.exchanges.length;
    const before = acknowledged(run.events).length;
    await untilSwaps(run, before + 30);
    assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    const since = ground.proxy.exchanges.slice(from);
    const swaps = acknowledged(run.events).length - before;
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
      const feeder = new Feeder({
        source,
        swapper: await inProcess(ground, "burst"),
        refreshIntervalMs: 3_600_000,
        minIntervalMs: 250,
        observe: (event) => told.push(event),
        clock: systemClock,
        random: systemRandom,
      });
      const stop = new AbortController();
      const running = feeder.run(stop.signal, new AbortController().signal);
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
    const saved = await Promise.all(
      Array.from({ length: writers }, async () => {
        const swapper = await inProcess(ground, "crowd");
        const source = new ScriptedSource();
        const told: MirrorEvent[] = [];
        const feeder = new Feeder({
          source,
          swapper,
          refreshIntervalMs: 3_600_000,
          observe: (event) => told.push(event),
          clock: systemClock,
          random: systemRandom,
        });
        await feeder.once(AbortSignal.timeout(120_000));
        return told.flatMap((event) => (event.kind === "swapped" ? [event.commit] : []));
      }),
    );
    const { exchanges } = ground.proxy;
    const report = await auditSwaps({
      ...{ exchanges, bucket: ground.bucket, folder: "crowd", acknowledged: saved.flat() },
    });
    assert.deepEqual([report.commits, report.acknowledged], [writers, writers]);
    process.stderr.write(`${report.requests} requests for ${writers} writers\n`);
  });
});
