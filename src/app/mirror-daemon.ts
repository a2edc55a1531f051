import { hostname } from "node:os";
import type { NodeIdentity, SourceObserver } from "../chanbackup/snapshot.ts";
import { HeldBackups } from "../mirror/held-backups.ts";
import { MirrorEngine } from "../mirror/mirror-engine.ts";
import { mirrorGuards } from "../mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { ensureProbed } from "../mirror/probe-verdict.ts";
import { SingleWriterSwapper } from "../mirror/single-writer-swapper.ts";
import type { StateSwapper } from "../mirror/state-swapper.ts";
import type { Base } from "../repository/base.ts";
import { checkNodeName } from "../repository/layout.ts";
import { readHeld } from "../repository/version.ts";
import { defaultBackoff, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { retryingReads } from "../store/retrying-store.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import { storeOf } from "./destination.ts";
import { drillWhile } from "./drill-schedule.ts";
import { logMirrorEvent } from "./event-log.ts";
import { RepeatedTrouble } from "./repeated-trouble.ts";
import { RunVerdict } from "./run-verdict.ts";
import type { Settings } from "./settings.ts";
import { type MirroredNode, openMirroredNode } from "./source.ts";
import { tellWaits, Waits, watchedSource, watchedStore } from "./waits.ts";

export interface MirrorOptions {
  readonly settings: Settings;
  /** One snapshot and one swap, then the end. */
  readonly once: boolean;
  /** The operator's word that an empty backup may replace one that is not, this once. */
  readonly acceptEmpty: boolean;
  readonly observe: (event: DaemonEvent) => void;
  /** Stop when everything known is saved. */
  readonly stop: AbortSignal;
  /** Stop at once. */
  readonly abort: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Asks a person for the passphrase of the words, where one can be asked. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}

/**
 * Puts source, guards, swapper and store together, mirrors, and closes store and source only when
 * the last swap has ended, so that nothing is cut off.
 *
 * Resolves once stopped with everything known saved. Throws what a person has to mend, "aborted"
 * where something was not saved in time.
 */
export async function runMirror(options: MirrorOptions): Promise<void> {
  const { logger } = options;
  // The operator's word counts for the first state that is looked at, whatever it is.
  let mayAcceptEmpty = options.acceptEmpty;
  const repeated = new RepeatedTrouble(options.clock);
  /** What it is trying again for, so that the end says why where it has to give up. */
  let trouble: ScbError | null = null;
  let last: "saved" | "refused" | null = null;
  let verdict: RunVerdict | null = null;
  let toldAtMs = options.clock.monotonicMs();
  const observe = (event: DaemonEvent): void => {
    if (event.kind === "swapped" || event.kind === "unchanged") last = "saved";
    if (event.kind === "refused") last = "refused";
    if (last !== null) mayAcceptEmpty = false;
    if (event.kind === "retrying") trouble = event.error;
    if (event.kind === "swapped" || event.kind === "recovered") trouble = null;
    if (repeated.isWorthTelling(event)) {
      if (event.kind !== "confirmed") toldAtMs = options.clock.monotonicMs();
      logMirrorEvent(event, logger);
      options.observe(event);
    }
    verdict?.hear(event);
  };
  const judgeBy = (judging: RunVerdict): void => {
    verdict = judging;
  };
  const waits = new Waits(options.clock);
  const ended = new AbortController();
  const node = await openMirroredNode({ ...options, observer: sourceObserver(observe) });
  try {
    const root = await storeOf(options);
    try {
      void tellWaits(waits, {
        clock: options.clock,
        toldAtMs: () => toldAtMs,
        tell: (wait) => observe({ kind: "waiting", wait }),
        signal: ended.signal,
      });
      const watchedNode = { ...node, source: watchedSource(node.source, waits) };
      const store = watchedStore(root, waits);
      await mirror({ ...options, observe }, watchedNode, store, () => mayAcceptEmpty, judgeBy);
    } catch (error) {
      throw hasCode(error, "aborted") && trouble !== null ? gaveUp(trouble, error) : error;
    } finally {
      ended.abort();
      await root.close();
    }
  } finally {
    await node.source.close();
  }
  observe({ kind: "stopped", last });
}

/** What a source goes through, as the engine tells of a store. */
function sourceObserver(observe: (event: DaemonEvent) => void): SourceObserver {
  let troubles = 0;
  return {
    trouble: (error, retryInMs) => {
      troubles += 1;
      observe({ kind: "retrying", error, attempt: troubles, retryInMs: Math.round(retryInMs) });
    },
    recovered: () => {
      observe({ kind: "recovered", attempts: troubles });
      troubles = 0;
    },
  };
}

async function mirror(
  options: MirrorOptions,
  { source, inspect, encrypter, remember }: MirroredNode,
  root: ObjectStore,
  mayAcceptEmpty: () => boolean,
  judgeBy: (verdict: RunVerdict) => void,
): Promise<void> {
  const { settings, once, stop, abort, clock, random, logger, observe } = options;
  const { witness } = source;
  const identity = await untilReached(options, nodePassing, async () => {
    const identified = await source.identify(abort);
    // Else a macaroon that does not allow this would be found out only when a channel closes.
    await witness?.closedChannelPoints(abort);
    return identified;
  });
  if (identity === null) return;
  const node = nodeFolder(settings, identity);
  const store = prefixedStore(root, node);
  const { pubkey } = identity;
  const heldBackups = new HeldBackups({ store, witness, inspect, pubkey, logger });
  const Swapper = settings["single-writer"] ? SingleWriterSwapper : ObjectStoreSwapper;
  const swapper = new Swapper({
    store,
    writer: `scb-mirror/${programVersion} ${hostname()} ${process.pid}`,
    node: identity,
    guards: mirrorGuards(heldBackups, mayAcceptEmpty),
    heldBackups,
    clock,
    random,
    logger,
  });
  const sequence = await untilReached(options, storePassing, async () => {
    const base = await readyStore(store, swapper, options);
    if (remember === undefined || base.held === null) return base.held?.sequence ?? 0;
    const held = await readHeld(store, base.held, { signal: abort });
    if (held.kind === "whole" || held.kind === "unproven") remember(held.bytes);
    return base.held.sequence;
  });
  if (sequence === null) return;
  judgeBy(
    new RunVerdict({
      store: store.location,
      lookIntervalMs: settings["look-interval"],
      clock,
      limbo: () => swapper,
      tell: (verdict, findings) =>
        observe({ kind: "verdict", verdict, findings, store: store.location }),
    }),
  );
  observe({ kind: "started", node, source: source.description, store: store.location, sequence });
  const engine = new MirrorEngine({
    source,
    swapper,
    refreshIntervalMs: settings["refresh-interval"],
    minIntervalMs: settings["min-interval"],
    lookIntervalMs: settings["look-interval"],
    observe,
    clock,
    random,
  });
  if (once) return engine.once(abort);
  await drillWhile(() => engine.run(stop, abort), {
    store: retryingReads(store, { clock, random }),
    node,
    openers: { encrypter: encrypter ?? undefined, witness: witness ?? undefined },
    intervalMs: settings["drill-interval"],
    maxAgeMs: settings["max-age"],
    observe: (report) => observe({ kind: "drilled", report }),
    signal: AbortSignal.any([stop, abort]),
    clock,
    random,
    logger,
  });
}

const nodePassing: readonly ErrorCode[] = ["node-unavailable", "node-locked", "node-syncing"];
const storePassing: readonly ErrorCode[] = ["store-busy", "store-unknown", "store-clock"];

/** Reads the pointer first: nothing is written, not even a probe, where it is lost or damaged. */
async function readyStore(
  store: ObjectStore,
  swapper: StateSwapper,
  options: MirrorOptions,
): Promise<Base> {
  const { clock, random, logger, abort } = options;
  const base = await swapper.base(abort);
  if (!options.settings["single-writer"]) {
    const program = `scb-mirror/${programVersion}`;
    await ensureProbed({ store, clock, random, logger, program, signal: abort });
  }
  return base;
}

/**
 * A machine that boots starts everything at once, so a node or a store that does not answer yet is
 * waited for; with `--once` only the store is, since a later run will find the node. Null when it
 * was stopped meanwhile: there was nothing to save, so that is no failure.
 */
async function untilReached<T>(
  options: MirrorOptions,
  passing: readonly ErrorCode[],
  reach: () => Promise<T>,
): Promise<T | null> {
  const { clock, random, stop, abort, once, observe } = options;
  let attempts = 1;
  try {
    const result = await retry(reach, {
      canPass: ({ code }) =>
        passing.includes(code) && !(once ? passing === nodePassing : stop.aborted),
      backoff: passing === storePassing ? storeBackoff : defaultBackoff,
      clock,
      random,
      onRetry: (error, attempt, retryInMs) => {
        attempts = attempt + 1;
        observe({ kind: "retrying", error, attempt, retryInMs });
      },
      signal: AbortSignal.any([stop, abort]),
    });
    if (attempts > 1) observe({ kind: "recovered", attempts });
    return result;
  } catch (error) {
    const wasPassing = hasCode(error, "aborted", ...passing);
    if (!once && wasPassing && (stop.aborted || abort.aborted)) return null;
    throw error;
  }
}

function gaveUp(trouble: ScbError, cause: unknown): ScbError {
  return new ScbError("aborted", `gave up: ${trouble.message}`, { cause });
}

function nodeFolder(settings: Settings, identity: NodeIdentity): string {
  const name = settings.node ?? identity.pubkey;
  if (name !== null) return checkNodeName(name);
  throw new ScbError(
    "usage",
    "a file does not say which node it is of: give the node's folder a name with --node",
  );
}
