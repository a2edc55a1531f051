import type { NodeIdentity, SourceObserver } from "../chanbackup/snapshot.ts";
import { SharedNode } from "../node/shared-node.ts";
import { checkNodeName } from "../repository/layout.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import type { WatchedEvent } from "../watched/events.ts";
import { attestWhile } from "./attestations.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import { closeAll, type NamedStore, storesOf } from "./destination.ts";
import { whileDistinct } from "./distinct-stores.ts";
import { logMirrorEvent } from "./event-log.ts";
import { RepeatedTrouble } from "./repeated-trouble.ts";
import type { RunAlerts } from "./run-alerts.ts";
import { runStores } from "./run-stores.ts";
import type { RunVerdicts } from "./run-verdicts.ts";
import { RunWatch } from "./run-watch.ts";
import type { Settings } from "./settings.ts";
import { type MirroredNode, openMirroredNode } from "./source.ts";
import { untilReached } from "./until-reached.ts";
import { tellWaits, Waits, watchedSource, watchedStore } from "./waits.ts";

export interface MirrorOptions {
  readonly settings: Settings;
  /** Take one snapshot, swap it into each store, then end. */
  readonly once: boolean;
  /** The operator permits an empty backup to replace one with channels, this once. */
  readonly acceptEmpty: boolean;
  readonly observe: (event: DaemonEvent) => void;
  /** Stop once everything known is saved. */
  readonly stop: AbortSignal;
  /** Stop immediately. */
  readonly abort: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Receives what a status page or monitor needs: see `Watching`. */
  readonly watch?: ((event: WatchedEvent) => void) | undefined;
  /** Notifies people and services. */
  readonly alerts?: RunAlerts | null | undefined;
  /** Asks a person for the seed's passphrase, if there is a terminal to ask at. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}

/**
 * Mirrors a node into each store. Closes the stores and the source only after the last swap has ended, so
 * that no swap is cut off.
 *
 * Resolves once stopped with everything known saved, in as many stores as required. Throws errors that
 * somebody has to fix, and "aborted" if something was not saved in time.
 */
export async function runMirror(options: MirrorOptions): Promise<void> {
  const waits = new Waits(options.clock);
  const ended = new AbortController();
  const { signal } = ended;
  const watch = options.watch && new RunWatch({ ...options, tell: options.watch, signal });
  const teller = new Teller(options, watch);
  const node = await openMirroredNode({ ...options, observer: sourceObserver(teller.tell) });
  try {
    const stores = await storesOf(options);
    try {
      void tellWaits(waits, {
        clock: options.clock,
        toldAtMs: () => teller.toldAtMs,
        tell: (wait) => teller.tell({ kind: "waiting", wait, store: null }),
        review: () => teller.review(),
        signal,
      });
      await mirror(options, node, stores, waits, teller, watch);
    } finally {
      ended.abort();
      await closeAll(stores);
    }
  } finally {
    await node.source.close();
  }
}

/**
 * Passes events to the observer and the log, throttles repeated trouble, and reports each change of the
 * verdict.
 */
class Teller {
  readonly #options: MirrorOptions;
  readonly #watch: RunWatch | undefined;
  readonly #repeated = new Map<string | null, RepeatedTrouble>();
  #verdicts: RunVerdicts | null = null;
  /** When an event was last reported. Monotonic. */
  toldAtMs: number;

  constructor(options: MirrorOptions, watch: RunWatch | undefined) {
    this.#options = options;
    this.#watch = watch;
    this.toldAtMs = options.clock.monotonicMs();
  }

  judgeBy(verdicts: RunVerdicts): void {
    this.#verdicts = verdicts;
  }

  readonly tell = (event: DaemonEvent): void => {
    const { clock, logger, observe, alerts } = this.#options;
    const repeated = this.#repeated.get(event.store) ?? new RepeatedTrouble(clock);
    this.#repeated.set(event.store, repeated);
    if (repeated.isWorthTelling(event)) {
      if (event.kind !== "confirmed") this.toldAtMs = clock.monotonicMs();
      logMirrorEvent(event, logger);
      observe(event);
    }
    this.#watch?.hear(event);
    this.#verdicts?.hear(event);
    alerts?.hear(event);
  };

  /** Judges again, because proofs age. */
  review(): void {
    this.#verdicts?.review();
  }
}

/** Reports a source's trouble in the form of the engine's events. */
function sourceObserver(tell: (event: DaemonEvent) => void): SourceObserver {
  let troubles = 0;
  return {
    trouble: (error, ms) => {
      troubles += 1;
      const retryInMs = Math.round(ms);
      tell({ kind: "retrying", error, attempt: troubles, retryInMs, store: null });
    },
    recovered: () => {
      tell({ kind: "recovered", attempts: troubles, store: null });
      troubles = 0;
    },
  };
}

async function mirror(
  options: MirrorOptions,
  mirrored: MirroredNode,
  stores: readonly NamedStore[],
  waits: Waits,
  teller: Teller,
  watch: RunWatch | undefined,
): Promise<void> {
  const { settings, abort } = options;
  const shared = new SharedNode(watchedSource(mirrored.source, waits));
  const { tell } = teller;
  const observe = (event: Parameters<Parameters<typeof untilReached>[1]["observe"]>[0]): void =>
    tell({ ...event, store: null });
  const identity = await untilReached("node", { ...options, observe }, async () => {
    const view = shared.view();
    const identified = await view.identify(abort);
    // A macaroon without this permission would otherwise surface only when a channel closes.
    await view.witness?.closedChannelPoints(abort);
    return identified;
  });
  const nothing = { last: null, saved: 0, of: stores.length, store: null } as const;
  if (identity === null) return tell({ kind: "stopped", ...nothing });
  const node = nodeFolder(settings, identity);
  watch?.surveyNode(shared.view());
  const twice = new AbortController();
  const distinct = { ...options, end: () => twice.abort(), signal: options.stop };
  const stopped = await runStores({
    ...options,
    abort: AbortSignal.any([abort, twice.signal]),
    node,
    identity,
    mirrored,
    folders: stores.map(({ name, store: root }) => {
      const store = prefixedStore(watchedStore(root, waits), node);
      return {
        name,
        store: watch?.counted(name, store) ?? store,
        source: shared.view(),
        onLastDrill: (last) => watch?.lastDrill(name, last),
      };
    }),
    judgeBy: (verdicts, mirrors) => {
      teller.judgeBy(verdicts);
      options.alerts?.begin({
        node,
        situation: () => verdicts.situation(node),
        look: () => {
          for (const each of mirrors) each.lookSoon();
        },
      });
    },
    around: (work, mirrors, verdicts) =>
      attestWhile(() => whileDistinct(work, mirrors, distinct), mirrors, {
        ...options,
        intervalMs: options.once ? null : settings["attest-interval"],
        heldSinceMs: (store) => verdicts.heldSinceMs(store),
        signal: AbortSignal.any([options.stop, abort]),
      }),
    tell,
  });
  tell({ kind: "stopped", ...stopped, store: null });
}

function nodeFolder(settings: Settings, identity: NodeIdentity): string {
  const name = settings.node ?? identity.pubkey;
  if (name !== null) return checkNodeName(name);
  throw new ScbError(
    "usage",
    "a backup file doesn't say which node it belongs to: name the node's folder with --node NAME",
  );
}
