import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, faultName } from "../peers/fault-proxy/fault.ts";
import { passAll, randomPlan } from "../peers/fault-proxy/fault-plan.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import { sha256 } from "../support/bucket.ts";
import type { RunningCli } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { auditSwaps } from "../support/swap-audit.ts";

const faults: readonly Fault[] = [
  { kind: "lose-request", how: "reset" },
  { kind: "lose-request", how: "hang" },
  { kind: "lose-answer", how: "reset" },
  { kind: "lose-answer", how: "hang" },
  { kind: "refuse", with: "SlowDown" },
  { kind: "refuse", with: "TooManyRequests" },
  { kind: "refuse", with: "ConditionalRequestConflict" },
  { kind: "refuse", with: "InternalError" },
  { kind: "fail-after", with: "InternalError" },
  { kind: "fail-after", with: "SlowDown" },
  { kind: "fail-after", with: "ConditionalRequestConflict" },
  { kind: "cut-request" },
  { kind: "cut-answer", framing: "content-length" },
  { kind: "cut-answer", framing: "chunked" },
  { kind: "cut-answer", framing: "none" },
  { kind: "slow", ms: 20, jitterMs: 80 },
  { kind: "trickle", bytesPerSecond: 20_000 },
  { kind: "late", ms: 300, tell: "504" },
  { kind: "late", ms: 700, tell: "nothing" },
  { kind: "twice", tell: "first" },
  { kind: "twice", tell: "second" },
];
const strikeRate = 0.35;
/** A busy machine takes long to start programs; how fast things are is measured where it matters. */
const eventually = { timeoutMs: 120_000 };

// Two programs on each of two folders: the demo node in pack mode, a file in mirror mode. They run
// from the first fault to the last.
peerSuite("a real MinIO behind a line that breaks in every way", ["minio"], () => {
  let ground: FaultGround;
  let backup: CountedBackup;
  const demos: RunningCli[] = [];
  const files: RunningCli[] = [];
  const ended = new AbortController();
  let writing: Promise<void> = Promise.resolve();

  before(async () => {
    [ground, backup] = await Promise.all([FaultGround.start("faults"), CountedBackup.make()]);
    const common = [
      "--request-timeout",
      "400ms",
      "--log-level",
      "info",
      "--min-interval",
      "1ms",
      "--node",
    ];
    const demo = ["--from", "demo", "--demo-interval", "100ms", ...common, "demo"];
    const file = ["--from", `file:${backup.path}`, ...common, "file"];
    demos.push(ground.run(demo), ground.run(demo));
    files.push(ground.run(file), ground.run(file));
    for (const run of [...demos, ...files]) await run.event("started", eventually);
    writing = keepWriting(backup, ended.signal);
  });
  after(async () => {
    ended.abort();
    await writing;
    await ground?.[Symbol.asyncDispose]();
    await backup?.[Symbol.asyncDispose]();
  });

  const saved = (runs: readonly RunningCli[]) => runs.flatMap(({ events }) => acknowledged(events));
  const whoEnded = (): string | null => {
    const gone = [...demos, ...files].find(({ child }) => child.exitCode !== null);
    return gone === undefined ? null : `a program has ended: ${gone.stderr.slice(-1000)}`;
  };
  /** Until the fault has struck each kind of write, and both folders have got on. */
  const untilStruck = async (fault: Fault | null): Promise<void> => {
    const from = ground.proxy.exchanges.length;
    const had = [demos, files].map((runs) => saved(runs).length);
    await waitFor(
      "swaps under this fault",
      () => {
        const struck = ground.proxy.exchanges.slice(from).filter((one) => one.fault === fault);
        const strikes = (part: string) =>
          struck.filter(({ method, path }) => method === "PUT" && path.includes(part)).length;
        const isStruck =
          fault === null || (strikes("versions/") >= 2 && strikes("latest.json") >= 2);
        const hasGotOn = [demos, files].every((runs, i) => saved(runs).length >= (had[i] ?? 0) + 2);
        return isStruck && hasGotOn ? true : undefined;
      },
      { ...eventually, everyMs: 20, hopeless: whoEnded },
    );
  };

  for (const [index, fault] of faults.entries()) {
    it(`gets on through ${faultName(fault)}`, async () => {
      ground.proxy.plan = randomPlan(index, strikeRate, [fault]);
      await untilStruck(fault);
    });
  }

  it("gets on through all of them at once", async () => {
    ground.proxy.plan = randomPlan(100, strikeRate, faults);
    await untilStruck(null);
    await delay(3_000);
    ground.proxy.plan = passAll;
    await untilStruck(null);
  });

  it("has saved the last state when all is over, and lost nothing", async () => {
    ended.abort();
    await writing;
    const last = await backup.rewrite();
    await waitFor(
      "the last state of the file",
      async () => {
        const { bytes } = await ground.bucket.current("file");
        return last.equals(bytes) ? true : undefined;
      },
      eventually,
    );
    for (const run of [...demos, ...files]) assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    await ground.proxy.settled();

    for (const [folder, runs] of Object.entries({ demo: demos, file: files })) {
      const { exchanges } = ground.proxy;
      const { bucket } = ground;
      const report = await auditSwaps({ exchanges, bucket, folder, acknowledged: saved(runs) });
      assert.ok(report.commitsUntold > 0, "some commits were not told by their answer");
      const { lineage, ...figures } = report;
      process.stderr.write(`${folder}: ${JSON.stringify(figures)}\n`);
      if (folder !== "file") continue;
      const counts: number[] = [];
      for (const { key, sha256: hash } of lineage.toReversed()) {
        const { bytes } = await bucket.get(`${folder}/${key}`);
        assert.equal(sha256(bytes), hash);
        counts.push(CountedBackup.countOf(bytes));
      }
      assert.deepEqual(
        counts,
        counts.toSorted((a, b) => a - b),
        "the state never goes back",
      );
    }
  });
});

async function keepWriting(backup: CountedBackup, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await backup.rewrite();
    await delay(250);
  }
}
