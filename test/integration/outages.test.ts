import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Exchange } from "../peers/fault-proxy/exchange.ts";
import { always, passAll } from "../peers/fault-proxy/fault-plan.ts";
import type { Outage } from "../peers/fault-proxy/fault-proxy.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import type { RunningCli } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { auditSwaps } from "../support/swap-audit.ts";
import { fillDisk, mountSmallDisk } from "../support/tmpfs.ts";

/** Long enough for the waits to reach their maximum. */
const outageMs = 4_000;
/** A busy machine takes long to start programs; how fast things are is measured where it matters. */
const eventually = { timeoutMs: 120_000 };
/** Once an answer has come nothing is waited for any more. */
const commitWithinMs = 2_000;
/** The longest wait, and what a busy machine makes of it. */
const firstRequestWithinMs = 1_500 + 500;

peerSuite("a store that is away for a while", ["minio"], () => {
  let ground: FaultGround;
  let backup: CountedBackup;
  let folder: string;
  let folders = 0;
  before(async () => {
    [ground, backup] = await Promise.all([FaultGround.start("outages"), CountedBackup.make()]);
  });
  after(async () => {
    await ground?.[Symbol.asyncDispose]();
    await backup?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    folders += 1;
    folder = `node-${folders}`;
  });

  const mirror = async (on = ground): Promise<RunningCli> => {
    const file = ["--from", `file:${backup.path}`, "--node", folder, "--log-level", "info"];
    const run = on.run([...file, "--request-timeout", "500ms"]);
    await run.event("swapped", eventually);
    return run;
  };
  const untilSaved = (bytes: Buffer, on = ground, { timeoutMs } = eventually): Promise<true> =>
    waitFor(
      "the last state",
      async () => {
        const held = await on.bucket.current(folder);
        return bytes.equals(held.bytes) ? true : undefined;
      },
      { timeoutMs, everyMs: 20 },
    );
  const audit = async (run: RunningCli, on = ground): Promise<void> => {
    assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    const { exchanges } = on.proxy;
    const saved = acknowledged(run.events);
    await auditSwaps({ exchanges, bucket: on.bucket, folder, acknowledged: saved });
  };
  const isAnswered = ({ told }: Exchange): boolean => typeof told === "number";

  const outages: readonly { name: Outage | "SlowDown"; begin: () => Promise<void> | void }[] = [
    { name: "refused", begin: () => ground.proxy.breakOff("refused") },
    { name: "black-hole", begin: () => ground.proxy.breakOff("black-hole") },
    {
      name: "SlowDown",
      begin: () => {
        ground.proxy.plan = always({ kind: "refuse", with: "SlowDown" });
      },
    },
  ];
  for (const { name, begin } of outages) {
    it(`${name}: has the last state saved within 2 s of the first answer`, async () => {
      await using run = await mirror();
      await begin();
      await backup.rewrite();
      await run.event("retrying");
      await delay(outageMs);
      const last = await backup.rewrite();
      await delay(500);
      const from = ground.proxy.exchanges.length;
      const backAtMs = performance.now();
      ground.proxy.plan = passAll;
      await ground.proxy.restore();
      await untilSaved(last);
      const since = ground.proxy.exchanges.slice(from);
      const first = since.find(isAnswered);
      const commit = since.findLast(({ path }) => path.endsWith("/latest.json"));
      assert.ok(first !== undefined && commit !== undefined);
      const firstAfterMs = first.atMs - backAtMs;
      const commitAfterMs = commit.atMs - first.atMs;
      assert.ok(firstAfterMs < firstRequestWithinMs, `asked again after ${firstAfterMs} ms`);
      assert.ok(commitAfterMs < commitWithinMs, `committed after ${commitAfterMs} ms more`);
      const retries = run.events.filter(({ event }) => event === "retrying");
      assert.ok(retries.length <= 6, `${retries.length} lines tell of one outage`);
      await run.event("recovered");
      await audit(run);
    });
  }

  it("waits while the store's own disk is full, and saves the last state when it is not", async (t: TestContext) => {
    await using disk = await mountSmallDisk(96 * 1024 * 1024);
    if (disk === null) return skipWithoutRoot(t);
    await using small = await FaultGround.start("full", { directory: join(disk.path, "data") });
    await using run = await mirror(small);
    const filler = join(disk.path, "filler");
    await fillDisk(filler);
    await backup.rewrite();
    const { code, message } = await run.event("retrying");
    assert.equal(code, "store-busy", String(message));
    assert.match(String(message), /disk is full: free some space/);
    await delay(1_000);
    const last = await backup.rewrite();
    await delay(500);
    await rm(filler);
    await untilSaved(last, small);
    await run.event("recovered");
    await audit(run, small);
  });
});
