import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { startRun } from "../support/cli.ts";

peerSuite("a stop while the store is away", ["minio"], () => {
  let minio: MinioServer;
  before(async () => {
    minio = await startMinio();
    await minio.createBucket("backups");
  });
  after(() => minio?.[Symbol.asyncDispose]());

  it("fails after --shutdown-timeout, since the last state is not saved, and says so", async () => {
    const args = ["--from", "demo", "--to", "s3://backups", "--demo-interval", "100ms"];
    await using run = startRun([...args, "--shutdown-timeout", "1s"], { env: minio.env() });
    await run.event("swapped");
    await minio.kill();
    await run.event("retrying");
    const startedAt = performance.now();
    assert.equal(await run.end("SIGTERM"), 1);
    assert.ok(performance.now() - startedAt < 15_000);
    assert.match(run.stderr, /--shutdown-timeout is 1 s/);
    assert.ok(!run.events.some(({ event }) => event === "stopped"));
  });

  it("succeeds where the store comes back in time", async () => {
    await minio.restart();
    const args = ["--from", "demo", "--to", "s3://backups", "--demo-interval", "100ms"];
    await using run = startRun([...args, "--shutdown-timeout", "30s"], { env: minio.env() });
    await run.event("swapped");
    await minio.kill();
    await run.event("retrying");
    const ended = run.end("SIGTERM");
    await minio.restart();
    assert.equal(await ended, 0);
    assert.equal(run.events.at(-1)?.event, "stopped");
    assert.ok(run.events.some(({ event }) => event === "recovered"));
  });
});
