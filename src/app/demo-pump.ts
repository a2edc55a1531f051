import { inspectWith } from "../chanbackup/backup-contents.ts";
import { newSingle } from "../chanbackup/new-single.ts";
import type { Single } from "../chanbackup/single.ts";
import { SubSwapper } from "../chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../chanbackup/sub-swapper-events.ts";
import { backupKeyEncrypter } from "../keychain/encrypter.ts";
import type { MirrorEvent } from "../mirror/events.ts";
import type { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { PackSwapper } from "../mirror/pack-swapper.ts";
import { RefusedError } from "../mirror/quarantine.ts";
import { DemoNode } from "../node/demo-node.ts";
import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { retryingReads } from "../store/retrying-store.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import { openKey } from "./key.ts";
import type { Pump, PumpOptions } from "./pump.ts";

/** Known to everybody, as the demo node's channels hold nothing. */
const demoBackupKey = Buffer.from(sha256Hex("scb-mirror demo"), "hex");

/** Pack mode, with the demo node: a SubSwapper holds its Singles, merges and packs them. */
export async function openDemoPump(options: PumpOptions): Promise<Pump> {
  const { settings, observe, clock, random } = options;
  const key = await openKey(options);
  const backupKey = key === null ? demoBackupKey : Buffer.from(key.backupKey(), "hex");
  const encrypter = key?.encrypter ?? backupKeyEncrypter(backupKey, random);
  const demo = new DemoNode({ backupKey, intervalMs: settings["demo-interval"], clock, random });

  const subSwapperOf = async (
    swapper: ObjectStoreSwapper,
    store: ObjectStore,
    signal: AbortSignal,
  ): Promise<SubSwapper> => {
    const packSwapper = new PackSwapper({
      swapper,
      store: retryingReads(store, { clock, random }),
      encrypter,
    });
    return new SubSwapper({
      startingChans: await startingChans(demo, await heldSingles(packSwapper, signal), signal),
      notifier: demo,
      encrypter,
      swapper: packSwapper,
      refreshIntervalMs: settings["refresh-interval"],
      minIntervalMs: settings["min-interval"],
      observer: (event) => {
        const told = toMirrorEvent(event, packSwapper);
        if (told !== null) observe(told);
      },
      clock,
      random,
    });
  };

  /** What the store holds, however long it is away: a running mirror does not end for that. */
  const heldSingles = async (
    packSwapper: PackSwapper,
    signal: AbortSignal,
  ): Promise<readonly Single[]> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await packSwapper.extractMulti(encrypter, signal))?.staticBackups ?? [];
      } catch (error) {
        if (!hasCode(error, "store-busy", "store-unknown")) throw error;
        const retryInMs = Math.round(backoffMs(attempt, random, storeBackoff));
        observe({ kind: "retrying", error, attempt, retryInMs });
        await clock.sleep(retryInMs, signal);
      }
    }
  };

  return {
    description: "demo node",
    witness: null,
    inspect: inspectWith(encrypter),
    encrypter,
    identify: () => Promise.resolve(demo.identity),
    async run(swapper, store, stop, abort) {
      let subSwapper: SubSwapper;
      try {
        subSwapper = await subSwapperOf(swapper, store, AbortSignal.any([stop, abort]));
      } catch (error) {
        // Nothing has happened yet that would have to be saved.
        if (stop.aborted) return;
        throw error;
      }
      // Whatever the start comes to, the observer hears of it, and `ended` has what ends the run.
      const begun = Promise.allSettled([subSwapper.start()]);
      await Promise.race([subSwapper.ended, aborted(stop)]);
      const isSaved = await subSwapper.stop(abort);
      await begun;
      const failure = await subSwapper.ended;
      if (failure !== null) throw failure;
      if (!isSaved) throw new ScbError("aborted", "stopped before the last state was saved");
    },
    async once(swapper, store, abort) {
      const subSwapper = await subSwapperOf(swapper, store, abort);
      const onAbort = (): void => void subSwapper.stop();
      abort.addEventListener("abort", onAbort, { once: true });
      try {
        await subSwapper.start();
      } finally {
        abort.removeEventListener("abort", onAbort);
        await subSwapper.stop();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** The demo node's channels as they are now: those that the store holds, and what it opens first. */
async function startingChans(
  demo: DemoNode,
  held: readonly Single[],
  signal: AbortSignal,
): Promise<readonly Single[]> {
  const known = new Set(held.map((single) => formatOutPoint(single.fundingOutpoint)));
  const subscription = await demo.subscribeChans(known, signal);
  try {
    for await (const event of subscription.chanUpdates) {
      return [...held, ...event.newChans.map((channel) => newSingle(channel))];
    }
    return held;
  } finally {
    subscription.cancel();
  }
}

function toMirrorEvent(event: SubSwapperEvent, packSwapper: PackSwapper): MirrorEvent | null {
  switch (event.kind) {
    case "swapped": {
      const commit = packSwapper.lastCommit;
      if (commit === null) throw new ScbError("internal", "a swap without a commit");
      const reason = event.reason === "manual-update" ? "channel-event" : event.reason;
      return { ...event, commit, reason };
    }
    case "unchanged": {
      const reason = event.reason === "manual-update" ? "channel-event" : event.reason;
      return { kind: "unchanged", reason, sequence: packSwapper.extractedSequence };
    }
    case "refused": {
      const { error } = event;
      const isRefusal = error instanceof RefusedError;
      return {
        kind: "refused",
        code: isRefusal ? error.refusal.code : error.code,
        message: error.message,
        quarantineKey: isRefusal ? error.quarantineKey : null,
      };
    }
    case "retrying":
      return { ...event, retryInMs: Math.round(event.retryInMs) };
    case "recovered":
      return event;
    case "notifier-lost":
      return { kind: "retrying", error: event.error, attempt: 1, retryInMs: event.retryInMs };
    case "notifier-recovered":
      return { kind: "recovered", attempts: 1 };
    case "failed":
      return null;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
