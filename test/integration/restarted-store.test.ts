import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { acknowledged } from "../support/acknowledged.ts";
import { assertNothingLost, Bucket } from "../support/bucket.ts";
import { type CliEvent, type RunningCli, startRun } from "../support/cli.ts";

const bucketName = "restarted";
const node = "demo";
const swapsWanted = 1_000;
/**
 * What happens when so many swaps are acknowledged. The next one is under way then, and takes some
 * 20 ms: the pauses make the store die at all its stages.
 */
const disturbances = [
  { atSwap: 100, pauseMs: 3, what: "kill the store" },
  { atSwap: 200, pauseMs: 4, what: "kill the mirror" },
  { atSwap: 300, pauseMs: 6, what: "kill the store" },
  { atSwap: 400, pauseMs: 9, what: "kill the store" },
  { atSwap: 500, pauseMs: 0, what: "stop the store" },
  { atSwap: 600, pauseMs: 12, what: "kill the store" },
  { atSwap: 600, pauseMs: 8, what: "kill the mirror" },
  { atSwap: 700, pauseMs: 15, what: "kill the store" },
  { atSwap: 800, pauseMs: 18, what: "kill the store" },
  { atSwap: 900, pauseMs: 12, what: "kill the mirror" },
] as const;
const timeoutMs = 300_000;

peerSuite("1,000 swaps, with the store and the mirror killed in between", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let mirror: RunningCli | undefined;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
  });
  after(async () => {
    await mirror?.[Symbol.asyncDispose]();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
  });

  const start = (): RunningCli =>
    startRun(
      [
        ...["--from", "demo", "--demo-interval", "1ms", "--min-interval", "1ms", "--node", node],
        ...["--to", `s3://${bucketName}`, "--request-timeout", "3s", "--log-level", "error"],
      ],
      { env: minio.env() },
    );

  it("loses none that was acknowledged", { timeout: timeoutMs }, async () => {
    const before: CliEvent[] = [];
    let running = start();
    mirror = running;
    const count = (): number => acknowledged(before).length + acknowledged(running.events).length;
    const reach = async (swaps: number): Promise<void> => {
      while (count() < swaps) {
        await running.event("swapped", { after: running.events.length, timeoutMs: 60_000 });
      }
    };
    for (const { atSwap, pauseMs, what } of disturbances) {
      await reach(atSwap);
      await delay(pauseMs);
      if (what === "kill the mirror") {
        assert.equal(await running.end("SIGKILL"), null);
        before.push(...running.events);
        running = start();
        mirror = running;
        continue;
      }
      await minio[what === "kill the store" ? "kill" : "stop"]();
      const seen = running.events.length;
      await running.event("retrying", { after: seen });
      await delay(200);
      await minio.restart();
      await running.event("recovered", { after: seen });
    }
    await reach(swapsWanted);
    assert.equal(await running.end("SIGTERM"), 0, running.stderr);
    const all = [...before, ...running.events];
    const saved = acknowledged(all);
    assert.ok(saved.length >= swapsWanted, `${saved.length} swaps`);

    const lineage = await bucket.lineage(node);
    assertNothingLost(saved, lineage);
    assert.equal(new Set(saved.map(({ key }) => key)).size, saved.length, "no swap is told twice");
    // Stopped in peace, so the newest is the last that was acknowledged.
    assert.deepEqual(lineage[0], saved.at(-1));
  });
});
