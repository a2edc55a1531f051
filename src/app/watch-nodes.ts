import { allNodes } from "../alerts/situation.ts";
import type { Watcher } from "../alerts/watcher.ts";
import { Changes, type MonitorEvent } from "../monitor/changes.ts";
import { Monitor, type Round } from "../monitor/monitor.ts";
import { situationOf } from "../monitor/overall.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { retryingReads } from "../store/retrying-store.ts";
import { closeAll, storesOf } from "./destination.ts";
import { openWatcher } from "./open-watcher.ts";
import type { Settings } from "./settings.ts";

export interface WatchNodesOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export type WatchNodesEvent =
  | MonitorEvent
  /** The first round is over. */
  | { readonly kind: "started"; readonly round: Round; readonly stores: readonly string[] }
  | { readonly kind: "stopped" };

export interface WatchNodesObserver {
  readonly event: (event: WatchNodesEvent) => void;
  /** Receives each round. */
  readonly round: (round: Round) => void;
  /** Hears, in the first round, how many nodes were looked at. */
  readonly progress?: (done: number, total: number) => void;
}

/** Opens the stores, passes their monitor to `use`, then closes them. */
export async function withMonitor<T>(
  options: WatchNodesOptions,
  use: (monitor: Monitor, stores: readonly string[]) => Promise<T>,
): Promise<T> {
  const { settings, clock, random } = options;
  if (settings.from !== undefined) {
    throw new ScbError("usage", "watch and status --all don't ask a node: remove --from");
  }
  if (settings["key-file"] !== undefined) {
    throw new ScbError("usage", "watch and status --all don't open backups: remove --key-file");
  }
  const stores = await storesOf(options);
  try {
    const monitor = new Monitor({
      ...options,
      stores: stores.map(({ name, store }) => ({
        name,
        store: retryingReads(store, { clock, random }),
      })),
      node: settings.node,
      requirement: settings.require,
      maxAgeMs: settings["max-age"],
      maxSilenceMs: settings["max-silence"],
      folderMs: settings.timeout,
      secondLookMs: 5_000,
    });
    return await use(
      monitor,
      stores.map(({ name }) => name),
    );
  } finally {
    await closeAll(stores);
  }
}

/**
 * Looks at every node again and again until the signal aborts, and reports changes. Trouble with a store
 * is reported as an event. Throws only what opening the stores throws, and defects.
 */
export async function watchNodes(
  options: WatchNodesOptions,
  observer: WatchNodesObserver,
): Promise<void> {
  const { settings, clock, signal } = options;
  await withMonitor(options, async (monitor, stores) => {
    const intervalMs = settings.interval;
    let last: Round | null = null;
    let pause = new AbortController();
    const watcher: Watcher | null = await openWatcher(options, {
      situation: () => situationOf(last, { stores, intervalMs, nowMs: clock.monotonicMs() }),
      look: () => pause.abort(),
    });
    const changes = new Changes();
    try {
      while (!signal.aborted) {
        pause = new AbortController();
        const round = await monitor.round(signal, last === null ? observer.progress : undefined);
        if (last === null) observer.event({ kind: "started", round, stores });
        last = round;
        observer.round(round);
        for (const event of changes.hear(round)) observer.event(event);
        watcher?.hear();
        const leftMs = Math.max(0, round.begunMs + intervalMs - clock.monotonicMs());
        const either = AbortSignal.any([signal, pause.signal]);
        await clock.sleep(leftMs, either).catch(() => undefined);
      }
    } catch (error) {
      if (!signal.aborted) {
        watcher?.fail(ScbError.from(error), { node: allNodes, store: stores.join(" and ") });
        throw error;
      }
    } finally {
      await watcher?.close();
    }
    observer.event({ kind: "stopped" });
  });
}
