import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import { mirrorStores } from "../../src/app/mirror-stores.ts";
import { RunVerdicts } from "../../src/app/run-verdicts.ts";
import { loadSettings } from "../../src/app/settings.ts";
import { StoreMirror } from "../../src/app/store-mirror.ts";
import type { SnapshotReason, SnapshotSource } from "../../src/chanbackup/snapshot.ts";
import type { Requirement } from "../../src/checks/requirement.ts";
import { DueReason } from "../../src/node/due-reason.ts";
import { SharedNode } from "../../src/node/shared-node.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { ScriptedNode } from "../support/scripted-node.ts";

/** A node whose channels the test sets, and that says so. */
export class ManyStoresNode implements SnapshotSource {
  readonly description = "a scripted node";
  readonly witness = new ScriptedNode();
  readonly #due = new DueReason();
  #candidate = this.witness.candidate([]);
  snapshots = 0;

  set(points: readonly string[]): void {
    this.#candidate = this.witness.candidate(points);
    this.#due.put("channel-event");
  }

  async identify() {
    return { pubkey: null, network: null };
  }

  async snapshot(reason: SnapshotReason) {
    this.snapshots += 1;
    const { packed, contents } = this.#candidate;
    const channelPoints = contents?.channelPoints ?? null;
    const bareChannelPoints = contents?.bareChannelPoints ?? null;
    const { limbo } = this.witness;
    const verifiedBy = "lnd" as const;
    return { packed, channelPoints, bareChannelPoints, limbo, takenAt: 0, reason, verifiedBy };
  }

  async *changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    yield "start";
    yield* this.#due.drain(signal);
  }

  async close(): Promise<void> {}
}

/** A store that the test can hang, break and look into. */
export function faultyStore(name: string): FaultyStore {
  return new FaultyStore(new MemoryStore(), `memory://${name}`);
}

export interface ManyStoresRun extends AsyncDisposable {
  readonly events: readonly DaemonEvent[];
  /** Resolves with the first event from here on, or before, that fits. */
  heard(fits: (event: DaemonEvent) => boolean): Promise<DaemonEvent>;
  stop(): Promise<unknown>;
  readonly ended: Promise<unknown>;
}

/** Mirrors a node into these stores, as `run` does. */
export function runManyStores(
  node: ManyStoresNode,
  stores: readonly FaultyStore[],
  { requirement = "all", once = false }: { requirement?: Requirement; once?: boolean } = {},
): ManyStoresRun {
  const settings = loadSettings(
    { "min-interval": "1ms", "look-interval": "1s", "drill-interval": "off" },
    {},
  );
  const events: DaemonEvent[] = [];
  const waiting = new Set<() => void>();
  const shared = new SharedNode(node);
  const [stop, abort] = [new AbortController(), new AbortController()];
  const tell = (event: DaemonEvent): void => {
    events.push(event);
    for (const wake of waiting) wake();
    verdicts.hear(event);
  };
  const mirrors: StoreMirror[] = stores.map(
    (store) =>
      new StoreMirror({
        settings,
        name: store.location,
        store,
        node: "alice",
        identity: { pubkey: null, network: null },
        mirrored: { source: shared.view(), inspect: null, encrypter: null },
        others: () => mirrors.filter(({ name }) => name !== store.location),
        once,
        acceptEmpty: false,
        observe: (event) => tell({ ...event, store: store.location }),
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
      }),
  );
  const verdicts = new RunVerdicts({
    stores: mirrors.map(({ name }) => name),
    requirement,
    lookIntervalMs: settings["look-interval"],
    clock: systemClock,
    tell,
  });
  for (const { name, limbo } of mirrors) verdicts.attach(name, limbo);
  const options = { requirement, once, tell, clock: systemClock };
  const ended = mirrorStores(mirrors, { ...options, stop: stop.signal, abort: abort.signal });
  ended.catch(() => undefined);
  const end = async (): Promise<unknown> => {
    stop.abort();
    setTimeout(() => abort.abort(), 2_000).unref();
    return ended;
  };
  return {
    events,
    ended,
    stop: end,
    heard: async (fits) => {
      for (;;) {
        const found = events.find(fits);
        if (found !== undefined) return found;
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await end().catch(() => undefined);
    },
  };
}
