import { sleepUntil } from "../chanbackup/nap.ts";
import { neededOf, type Requirement } from "../checks/requirement.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import type { StoreMirror } from "./store-mirror.ts";

/** How often a store that somebody has to fix is retried, as a restart would. */
const lookAgainMs = 60_000;

export interface MirrorStoresOptions {
  readonly requirement: Requirement;
  readonly once: boolean;
  readonly stop: AbortSignal;
  readonly abort: AbortSignal;
  readonly tell: (event: DaemonEvent) => void;
  readonly clock: Clock;
}

/** The outcome of a run that was stopped. */
export type Stopped = Pick<Extract<DaemonEvent, { kind: "stopped" }>, "last" | "saved" | "of">;

/**
 * Runs all mirrors side by side until they are stopped. A mirror that fails is restarted after a while;
 * the others carry on. When every mirror has failed, throws the first one's error. Also throws if fewer
 * stores than required have saved what is known.
 */
export async function mirrorStores(
  mirrors: readonly StoreMirror[],
  options: MirrorStoresOptions,
): Promise<Stopped> {
  const hopeless = new AbortController();
  const failures = new Map<StoreMirror, ScbError>();
  const runOne = async (mirror: StoreMirror): Promise<void> => {
    const abort = AbortSignal.any([options.abort, hopeless.signal]);
    const stop = AbortSignal.any([options.stop, hopeless.signal]);
    for (;;) {
      try {
        failures.delete(mirror);
        return await mirror.run(stop, abort);
      } catch (caught) {
        const error = ScbError.from(caught);
        if (hopeless.signal.aborted) return;
        failures.set(mirror, error);
        const isOver = options.once || options.stop.aborted || options.abort.aborted;
        if (!isOver && failures.size === mirrors.length) return hopeless.abort();
        // If there is only one store, its failure ends the run and is reported as that.
        const retryInMs = isOver ? null : lookAgainMs;
        const isCutOff = options.abort.aborted && error.code === "aborted";
        if (mirrors.length > 1 && !isCutOff)
          options.tell({ kind: "failed", error, retryInMs, store: mirror.name });
        if (isOver) return;
        await sleepUntil(options.clock, lookAgainMs, [stop, abort]);
        if (stop.aborted || abort.aborted) return;
      }
    }
  };
  await Promise.all(mirrors.map(runOne));
  return outcomeOf(mirrors, failures, options.requirement);
}

function outcomeOf(
  mirrors: readonly StoreMirror[],
  failures: ReadonlyMap<StoreMirror, ScbError>,
  requirement: Requirement,
): Stopped {
  const of = mirrors.length;
  const ended = mirrors.filter((mirror) => !failures.has(mirror));
  const errors = mirrors
    .map((mirror) => failures.get(mirror))
    .filter((error) => error !== undefined);
  const refused = errors.find((error) => hasCode(error, "refused"));
  const [first] = errors;
  if (refused !== undefined) throw refused;
  const needed = neededOf(requirement, of);
  if (first !== undefined && ended.length < needed) throw first;
  const saved = ended.filter(({ last }) => last === "saved").length;
  const isRefused = mirrors.some(({ last }) => last === "refused");
  const late = ended.find(({ last }) => last === null);
  // At least one store got the state, so the others had something to save.
  if (!isRefused && saved > 0 && saved < needed && late !== undefined) {
    const why = late.trouble === null ? "" : `: ${late.trouble.message}`;
    throw new ScbError(
      "aborted",
      `stopped before ${late.name} held the node's state; ${saved} of ${of} stores hold it${why}`,
      { cause: late.trouble },
    );
  }
  return { last: isRefused ? "refused" : saved === 0 ? null : "saved", saved, of };
}
