import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { S3Refusal } from "../peers/fault-proxy/fault.ts";
import { always, passAll } from "../peers/fault-proxy/fault-plan.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import type { RunningCli } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { auditSwaps } from "../support/swap-audit.ts";

/** A busy machine takes long to start programs; how fast things are is measured where it matters. */
const eventually = { timeoutMs: 120_000 };

peerSuite("what others do to a mirror and its store", ["minio"], () => {
  let ground: FaultGround;
  let backup: CountedBackup;
  let folder: string;
  let folders = 0;
  before(async () => {
    [ground, backup] = await Promise.all([FaultGround.start("odd"), CountedBackup.make()]);
  });
  after(async () => {
    await ground?.[Symbol.asyncDispose]();
    await backup?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    folders += 1;
    folder = `node-${folders}`;
    ground.proxy.plan = passAll;
  });

  const mirror = (): RunningCli =>
    ground.run([
      ...["--from", `file:${backup.path}`, "--node", folder, "--log-level", "info"],
      ...["--request-timeout", "500ms"],
    ]);
  const untilSaved = (bytes: Buffer): Promise<true> =>
    waitFor(
      "the last state",
      async () => {
        const held = await ground.bucket.current(folder);
        return bytes.equals(held.bytes) ? true : undefined;
      },
      { ...eventually, everyMs: 20 },
    );
  const audit = async (...runs: readonly RunningCli[]): Promise<void> => {
    for (const run of runs) assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    await ground.proxy.settled();
    await auditSwaps({
      exchanges: ground.proxy.exchanges,
      bucket: ground.bucket,
      folder,
      acknowledged: runs.flatMap(({ events }) => acknowledged(events)),
    });
  };

  it("frozen in the middle of a swap for longer than its timeout, while another goes on", async () => {
    await using frozen = mirror();
    await frozen.event("swapped", eventually);
    await using other = mirror();
    await other.event("started", eventually);
    for (const part of ["versions/", "latest.json"]) {
      const isOurs = ({ path, method }: { path: string; method: string }): boolean =>
        method === "PUT" && path.includes(folder) && path.includes(part);
      let isFrozen = false;
      ground.proxy.plan = (request) => {
        // The first to ask gets its answer only after it was frozen; here either can be first.
        if (isFrozen || !isOurs(request)) return { kind: "pass" };
        isFrozen = true;
        frozen.child.kill("SIGSTOP");
        return { kind: "slow", ms: 100, jitterMs: 0 };
      };
      await untilSaved(await backup.rewrite());
      await delay(700);
      const last = await backup.rewrite();
      await untilSaved(last);
      frozen.child.kill("SIGCONT");
      await untilSaved(await backup.rewrite());
    }
    await audit(frozen, other);
  });

  it("the bucket's versioning switched on while it runs", async () => {
    await using run = mirror();
    await run.event("swapped", eventually);
    await ground.minio.setVersioning("odd");
    await untilSaved(await backup.rewrite());
    await untilSaved(await backup.rewrite());
    await audit(run);
  });

  const passing: readonly S3Refusal[] = ["RequestTimeTooSkewed"];
  for (const refusal of passing) {
    it(`${refusal} for a while`, async () => {
      await using run = mirror();
      await run.event("swapped", eventually);
      ground.proxy.plan = always({ kind: "refuse", with: refusal });
      const last = await backup.rewrite();
      await run.event("retrying");
      ground.proxy.plan = passAll;
      await untilSaved(last);
      await audit(run);
    });
  }

  it("its credentials revoked: it ends, and says whose they were", async () => {
    await using run = mirror();
    await run.event("swapped", eventually);
    ground.proxy.plan = always({ kind: "refuse", with: "InvalidAccessKeyId" });
    await backup.rewrite();
    assert.equal(await run.exit(), 1);
    assert.match(run.stderr, /the store does not know this access key/);
  });

  it("a pointer of a newer program: it ends, and changes nothing", async () => {
    await using run = mirror();
    await run.event("swapped", eventually);
    const { bytes } = await ground.bucket.get(`${folder}/latest.json`);
    const newer = { ...JSON.parse(Buffer.from(bytes).toString()), schema: 3 };
    await ground.bucket.put(`${folder}/latest.json`, JSON.stringify(newer));
    await backup.rewrite();
    assert.equal(await run.exit(), 1);
    assert.match(run.stderr, /has schema 3, but this program only knows schemas up to 2/);
    const after = await ground.bucket.get(`${folder}/latest.json`);
    assert.deepEqual(JSON.parse(Buffer.from(after.bytes).toString()), newer);
  });

  it("another, empty store in the place of its own: it stops, and writes no pointer", async () => {
    await using run = mirror();
    await run.event("swapped", eventually);
    await using empty = await FaultGround.start("odd");
    ground.proxy.turnTo(empty.minio.endpoint);
    await backup.rewrite();
    assert.equal(await run.exit(), 4, run.stderr);
    assert.match(run.stderr, /the pointer .* is gone/);
    const listing = await empty.bucket.listing();
    assert.ok(!listing.some((line) => line.includes("latest.json")));
    ground.proxy.turnTo(ground.minio.endpoint);
  });
});
