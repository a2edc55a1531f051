import { type DrillOptions, runDrill } from "../checks/drill/drill.ts";
import { type DrillReport, isInconclusive } from "../checks/drill/drill-report.ts";
import { type LastDrill, readLastDrill } from "../repository/drill-record.ts";
import { isInFuture } from "../repository/times.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";

export interface DrillScheduleOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly node: string;
  /** What can open the backups; without either, no drill runs. */
  readonly openers: Pick<DrillOptions, "encrypter" | "witness">;
  /** Null turns scheduled drills off. */
  readonly intervalMs: number | null;
  readonly maxAgeMs: number;
  readonly observe: (report: DrillReport) => void;
  /** Called with the last drill recorded in the store, whoever ran it. */
  readonly onLast?: ((last: LastDrill) => void) | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How long a starting mirror may save what it finds before the first drill. */
const settleMs = 60_000;
/** A failed drill is repeated this soon, to notice when the cause is fixed. */
const repeatMs = 3_600_000;
/** The first delay after an inconclusive drill, one that couldn't reach the node or the store. */
const firstAgainMs = 60_000;

/**
 * Runs `work`, and a drill whenever one is due: when the last drill recorded in the store, whoever ran
 * it, failed or is older than the interval. An inconclusive drill is repeated soon, then with growing
 * delays. Without anything that opens the backups, no drill runs. A drill never disturbs the work: its
 * failures are logged.
 */
export async function drillWhile<T>(
  work: () => Promise<T>,
  options: DrillScheduleOptions,
): Promise<T> {
  const { openers, intervalMs } = options;
  const canOpen = openers.encrypter !== undefined || openers.witness !== undefined;
  if (intervalMs === null || !canOpen) return work();
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const drilling = drillForever({ ...options, intervalMs, signal });
  try {
    return await work();
  } finally {
    ended.abort();
    await drilling;
  }
}

interface Drilled {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ok: boolean;
}

/** Null if there is no drill record, or an unreadable one. */
async function soundLastDrill({
  store,
  clock,
  signal,
}: DrillScheduleOptions): Promise<LastDrill | null> {
  try {
    return await readLastDrill(store, clock.now(), { signal });
  } catch (error) {
    if (hasCode(error, "decode")) return null;
    throw error;
  }
}

async function drillForever(
  options: DrillScheduleOptions & { readonly intervalMs: number },
): Promise<void> {
  const { store, node, openers, maxAgeMs, intervalMs, clock, random, logger, signal } = options;
  const soonMs = Math.min(settleMs, intervalMs);
  let own: Drilled | null = null;
  let waitMs = soonMs;
  let inVain = 0;
  while (!signal.aborted) {
    try {
      await clock.sleep(waitMs, signal);
      const known = await soundLastDrill(options);
      if (known !== null) options.onLast?.(known);
      // The clock was set back since that drill, which would postpone the next one until then.
      if (own !== null && isInFuture(own.at, clock.now())) own = null;
      const last = newer(own, known === null ? null : { at: Date.parse(known.at), ok: known.ok });
      const dueInMs = last === null ? 0 : dueMs(last, intervalMs) - clock.now();
      if (dueInMs > 0) {
        waitMs = Math.min(dueInMs, intervalMs);
        continue;
      }
      const report = await runDrill({ store, node, ...openers, maxAgeMs, clock, random, signal });
      options.observe(report);
      if (isInconclusive(report)) {
        waitMs = Math.min(firstAgainMs * 2 ** inVain, repeatMs, intervalMs);
        inVain += 1;
      } else {
        own = { at: clock.now(), ok: report.ok };
        waitMs = soonMs;
        inVain = 0;
      }
    } catch (error) {
      if (signal.aborted) return;
      logger.error({ err: ScbError.from(error) }, "the drill could not run; it will be retried");
      waitMs = soonMs;
    }
  }
}

function newer(a: Drilled | null, b: Drilled | null): Drilled | null {
  if (a === null || b === null) return a ?? b;
  return a.at >= b.at ? a : b;
}

function dueMs({ at, ok }: Drilled, intervalMs: number): number {
  return at + (ok ? intervalMs : Math.min(repeatMs, intervalMs));
}
