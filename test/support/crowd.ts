import assert from "node:assert/strict";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { MirrorEngine } from "../../src/mirror/mirror-engine.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { FaultGround } from "./fault-ground.ts";
import { inProcessSwapper } from "./in-process-swapper.ts";
import { ScriptedSource } from "./scripted-source.ts";
import { type AuditReport, auditSwaps } from "./swap-audit.ts";

const folder = "crowd";

/**
 * Starts this many writers at once on one folder; each has one state to save. Fails
 * if a writer hasn't saved it within `timeoutMs`, or if anything is lost.
 */
export async function crowd(
  ground: FaultGround,
  writers: number,
  timeoutMs: number,
): Promise<AuditReport> {
  const one = async () => {
    const told: MirrorEvent[] = [];
    const engine = new MirrorEngine({
      source: new ScriptedSource(),
      swapper: await inProcessSwapper(ground, folder),
      refreshIntervalMs: 3_600_000,
      observe: (event) => told.push(event),
      clock: systemClock,
      random: systemRandom,
    });
    await engine.once(AbortSignal.timeout(timeoutMs));
    return told.flatMap((event) => (event.kind === "swapped" ? [event.commit] : []));
  };
  const acknowledged = (await Promise.all(Array.from({ length: writers }, one))).flat();
  const { exchanges } = ground.proxy;
  const report = await auditSwaps({ exchanges, bucket: ground.bucket, folder, acknowledged });
  assert.deepEqual([report.commits, acknowledged.length], [writers, writers]);
  return report;
}
