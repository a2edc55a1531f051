import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "../peers/fault-proxy/fault.ts";
import { passAll, randomPlan, seededUnit } from "../peers/fault-proxy/fault-plan.ts";
import { acknowledged } from "./acknowledged.ts";
import type { CliEvent, RunningCli } from "./cli.ts";
import type { FaultGround } from "./fault-ground.ts";
import { type AuditReport, auditSwaps } from "./swap-audit.ts";

export interface KillRunOptions {
  readonly ground: FaultGround;
  /** How often a program is killed. */
  readonly kills: number;
  /** The store is killed too, once every this many kills of a program. */
  readonly killsPerStoreKill: number;
  readonly seed: number;
  readonly onKill?: (kills: number) => void;
  /** Ends the run early; what was done until then is judged. */
  readonly signal?: AbortSignal;
}

export interface KillRunReport extends AuditReport {
  readonly kills: number;
  readonly storeKills: number;
  /** How many programs were killed before they had started to mirror. */
  readonly killedAtStart: number;
  /** How often the bucket was checked, not through the proxy, and was right. */
  readonly looks: number;
}

const folder = "killed";
const faults: readonly Fault[] = [
  { kind: "lose-request", how: "reset" },
  { kind: "lose-answer", how: "reset" },
  { kind: "lose-answer", how: "hang" },
  { kind: "refuse", with: "SlowDown" },
  { kind: "refuse", with: "ConditionalRequestConflict" },
  { kind: "fail-after", with: "InternalError" },
  { kind: "cut-request" },
  { kind: "cut-answer", framing: "content-length" },
  { kind: "slow", ms: 5, jitterMs: 40 },
  { kind: "late", ms: 300, tell: "504" },
  { kind: "twice", tell: "second" },
];
const faultRate = 0.05;
const eventually = { timeoutMs: 120_000 };

/**
 * Two programs on one folder, each killed with SIGKILL at random moments and started again, behind a
 * faulty connection, with the store killed now and then. Meanwhile an independent client checks that
 * the pointer always names an intact version, and that its sequence never goes back. In the
 * end both stop cleanly, and every swap that either acknowledged is there.
 */
export async function killRun(options: KillRunOptions): Promise<KillRunReport> {
  const { ground, kills, killsPerStoreKill, seed, onKill, signal } = options;
  const { minio, proxy, bucket } = ground;
  const unit = seededUnit(seed);
  const events: CliEvent[] = [];
  const ended = new AbortController();
  let killed = 0;
  let killedAtStart = 0;
  let storeKills = 0;
  proxy.plan = randomPlan(seed + 1, faultRate, faults);

  const launch = (): RunningCli =>
    ground.run([
      ...["--from", "demo", "--demo-interval", "50ms", "--min-interval", "100ms", "--node", folder],
      ...["--request-timeout", "500ms", "--log-level", "error"],
    ]);
  const slot = async (): Promise<RunningCli> => {
    for (;;) {
      const run = launch();
      if (killed >= kills || signal?.aborted === true) return run;
      killed += 1;
      onKill?.(killed);
      if (unit() < 0.2) await delay(unit() * 600);
      else {
        await run.event("started", eventually);
        for (let swaps = Math.floor(unit() * 4); swaps > 0; swaps -= 1) {
          await run.event("swapped", { ...eventually, after: run.events.length });
        }
        await delay(unit() * 40);
      }
      if (run.events.length === 0) killedAtStart += 1;
      assert.equal(await run.end("SIGKILL"), null, `it had ended by itself: ${run.stderr}`);
      events.push(...run.events);
    }
  };
  const killStore = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await delay(50);
      if (killed < (storeKills + 1) * killsPerStoreKill) continue;
      storeKills += 1;
      await minio.kill();
      await delay(300);
      await minio.restart();
    }
  };
  let looks = 0;
  const watch = async (): Promise<void> => {
    for (let newest = 0; !ended.signal.aborted; ) {
      await delay(20);
      try {
        const { sequence } = (await bucket.current(folder)).pointer;
        assert.ok(sequence >= newest, `sequence ${sequence} after ${newest}`);
        newest = sequence;
        looks += 1;
      } catch (error) {
        // Before the first swap there is no pointer, and a killed store doesn't answer.
        if (error instanceof assert.AssertionError) throw error;
      }
    }
  };

  const around = Promise.all([killStore(), watch()]);
  try {
    const last = await Promise.all([slot(), slot()]);
    proxy.plan = passAll;
    // The loser of a race has more requests to make, so with two that never pause one may lose for long. It gets
    // its turn when the other is gone.
    const swapped = (run: RunningCli) => run.event("swapped", eventually);
    const first = await Promise.race(last.map((run) => swapped(run).then(() => run)));
    for (const run of last.toSorted((a, b) => Number(b === first) - Number(a === first))) {
      await swapped(run);
      assert.equal(await run.end("SIGTERM"), 0, run.stderr);
      events.push(...run.events);
    }
  } finally {
    ended.abort();
    await around;
  }
  await proxy.settled();
  const saved = acknowledged(events);
  const { exchanges } = proxy;
  const report = await auditSwaps({ exchanges, bucket, folder, acknowledged: saved });
  return { ...report, kills: killed, storeKills, killedAtStart, looks };
}
