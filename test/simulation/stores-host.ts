import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import { runStores } from "../../src/app/run-stores.ts";
import type { RunVerdicts } from "../../src/app/run-verdicts.ts";
import type { NodeIdentity, SnapshotSource } from "../../src/chanbackup/snapshot.ts";
import { SharedNode } from "../../src/node/shared-node.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { type Fate, fine } from "./fate.ts";
import type { RequestKind } from "./plan-item.ts";
import { SeededRandom, unitOf } from "./seeded-random.ts";
import { epochMs, simulatedClock } from "./simulated-clock.ts";
import { SimulatedSource } from "./simulated-source.ts";
import {
  type Heard,
  type Journey,
  type Network,
  type SimulatedRequest,
  SimulatedStore,
} from "./simulated-store.ts";
import type { LatencyMs, StoresItem } from "./stores-plan.ts";
import type { StoresWorld } from "./stores-world.ts";
import { kindOf } from "./writer.ts";

/** One process, from its start to its end or its death. */
export interface StoresLife {
  readonly name: string;
  readonly stores: readonly number[];
  readonly stop: AbortController;
  readonly abort: AbortController;
  readonly source: SimulatedSource;
  isCutShort: boolean;
  /** Receives what its source reports about the node. */
  tell: (event: DaemonEvent) => void;
}

/** What came of one that wasn't killed. */
export interface StoresEnding {
  readonly host: StoresHost;
  readonly life: StoresLife;
  /** Null for a clean stop. */
  readonly error: ScbError | null;
  readonly stopped: Awaited<ReturnType<typeof runStores>> | null;
}

export const storesIdentity: NodeIdentity = { pubkey: `02${"ab".repeat(32)}`, network: "regtest" };

/** The slowest that anything is without faults. */
export const calmLatencyMs = 500;

export const storeNameOf = (store: number): string => `store-${store}`;

/** A machine on which a process mirrors the node into several stores, dies, and comes back. */
export class StoresHost {
  readonly index: number;
  readonly #world: StoresWorld;
  readonly #crashes = new Map<number, number>();
  readonly #faults = new Map<string, Fate>();
  readonly #outages: readonly Extract<StoresItem, { kind: "outage" }>[];
  readonly #requests = new Map<string, number>();
  readonly #buried: StoresLife[] = [];
  #stores: readonly number[] = [];
  #life: StoresLife | null = null;
  #lives = 0;
  #steps = 0;
  readonly #sent = new Map<string, number>();

  constructor(world: StoresWorld, index: number) {
    this.index = index;
    this.#world = world;
    const { items } = world.plan;
    for (const item of items) {
      if (item.kind === "crash" && item.process === index)
        this.#crashes.set(item.step, item.awayMs);
      if (item.kind === "fault" && item.process === index) {
        this.#faults.set(`${item.store} ${item.request} ${item.nth}`, item.fate);
      }
    }
    this.#outages = items
      .filter((item) => item.kind === "outage")
      .filter(({ process }) => (process ?? index) === index);
  }

  /** The process that runs now. */
  get life(): StoresLife | null {
    return this.#life;
  }

  /** The stores of the process that runs, or will. */
  get stores(): readonly number[] {
    return this.#stores;
  }

  /** Begins with these stores, or anew. */
  mirrorInto(stores: readonly number[]): void {
    this.#stores = stores;
    if (this.#life === null) this.start();
    else this.kill(100);
  }

  start(): void {
    if (this.#life !== null || this.#stores.length === 0) return;
    this.#lives += 1;
    const world = this.#world;
    const { plan, timeline } = world;
    const name = `p${this.index}.${this.#lives}`;
    const after = (delayMs: number, act: () => void): void => timeline.after(delayMs, act);
    const deliver = (what: string, act: () => void): void => this.#deliver(life, what, act);
    const source = new SimulatedSource({
      node: world.node,
      kind: "lnd",
      identity: storesIdentity,
      isOwnNode: true,
      after,
      deliver,
      latencyMs: () => this.#latencyMs("node", plan.nodeLatencyMs),
      onSilence: () => {
        for (const store of life.stores) world.checks[store]?.claims.nodeIsSilent(name);
      },
    });
    const life: StoresLife = {
      name,
      stores: this.#stores,
      stop: new AbortController(),
      abort: new AbortController(),
      source,
      isCutShort: false,
      tell: () => undefined,
    };
    this.#life = life;
    world.trace(() => `${name}    starts, into ${life.stores.map(storeNameOf).join(", ")}`);
    world.cross.begins(name, life.stores);
    world.pace.starts(life);
    void this.#run(life, { after, deliver }).then(
      (stopped) => this.#ended(life, { error: null, stopped }),
      (error: unknown) => this.#ended(life, { error: ScbError.from(error), stopped: null }),
    );
  }

  #run(life: StoresLife, { after, deliver }: Pick<Network, "after" | "deliver">) {
    const world = this.#world;
    const { plan, timeline, cross } = world;
    const { name } = life;
    const shared = new SharedNode(cross.watchedSource(life.source, name));
    let verdicts: RunVerdicts | null = null;
    life.tell = (event) => {
      world.told(event, life);
      verdicts?.hear(event);
    };
    return runStores({
      settings: {
        require: plan.requirement,
        "single-writer": false,
        "refresh-interval": plan.refreshIntervalMs,
        "min-interval": plan.minIntervalMs,
        "look-interval": plan.lookIntervalMs,
        "drill-interval": null,
        "max-age": 2 * plan.refreshIntervalMs,
      },
      folders: life.stores.map((store) => ({
        name: storeNameOf(store),
        store: this.#connect(life, store, { after, deliver }),
        source: this.#watchedView(shared.view(), store, name),
      })),
      mirrored: { inspect: null, encrypter: null },
      node: "node",
      identity: storesIdentity,
      once: false,
      acceptEmpty: false,
      judgeBy: (judging) => {
        verdicts = judging;
      },
      stop: life.stop.signal,
      abort: life.abort.signal,
      tell: life.tell,
      clock: simulatedClock({
        wallMs: () => epochMs + Math.floor(timeline.nowMs),
        monotonicMs: () => timeline.nowMs,
        after,
        deliver,
      }),
      random: new SeededRandom(plan.seed, "process", this.index, this.#lives),
      logger: silentLogger,
    });
  }

  #connect(
    life: StoresLife,
    store: number,
    { after, deliver }: Pick<Network, "after" | "deliver">,
  ): SimulatedStore {
    const world = this.#world;
    const bucket = world.bucket(store);
    const network: Network = {
      send: (request) => this.#send(life, store, request),
      nowMs: () => world.timeline.nowMs,
      after,
      deliver: (what, answer) => deliver(`${storeNameOf(store)}: ${what}`, answer),
      heard: (heard: Heard) => world.heard(store, heard, life.name),
      trace: (text) => world.trace(() => `${storeNameOf(store)}: ${text()}`),
    };
    return new SimulatedStore(bucket, network, life.name);
  }

  /** What one store's mirror sees of the node, and what it is given. */
  #watchedView(view: SnapshotSource, store: number, name: string): SnapshotSource {
    const { cross, checks } = this.#world;
    const claims = checks[store]?.claims;
    const { witness } = view;
    return {
      ...view,
      witness: witness && {
        ...witness,
        channelPointsOf: async (packed, signal) => {
          const points = await witness.channelPointsOf(packed, signal);
          cross.opened(packed, store, name);
          return points;
        },
      },
      snapshot: async (reason, signal) => {
        claims?.asksNode(name);
        const asked = cross.asks(name);
        const snapshot = await view.snapshot(reason, signal);
        claims?.wasGiven(snapshot.packed, name);
        cross.given(snapshot.packed, asked, store, name);
        return snapshot;
      },
    };
  }

  /** As `kill -9`: its requests in flight go on without it. */
  kill(awayMs: number): void {
    const { trace, stats, timeline } = this.#world;
    const life = this.#life;
    if (life === null) return;
    trace(() => `${life.name}    DIES, and comes back in ${Math.round(awayMs)} ms`);
    stats.crashes += 1;
    this.#buried.push(life);
    this.#life = null;
    timeline.after(awayMs, () => this.start());
  }

  /** Its source can't hear the node, or can again. */
  hearsNode(isIt: boolean): void {
    const error = new ScbError("node-unavailable", "simulated: the node is away");
    this.#life?.tell(
      isIt
        ? { kind: "recovered", attempts: 1, store: null }
        : { kind: "retrying", error, attempt: 1, retryInMs: 100, store: null },
    );
  }

  /** SIGTERM, and after `graceMs` the order to end at once. */
  stop(graceMs: number): void {
    const life = this.#life;
    if (life === null) return;
    const { trace, timeline, checks } = this.#world;
    trace(() => `${life.name}    is told to stop`);
    this.#world.touched = true;
    for (const store of life.stores) checks[store]?.claims.toldToStop(life.name);
    life.stop.abort();
    timeline.after(graceMs, () => {
      if (this.#life !== life) return;
      trace(() => `${life.name}    is cut short`);
      this.#world.touched = true;
      life.isCutShort = true;
      life.abort.abort();
    });
  }

  /** Called when everything is judged: a dead process waits for ever, and keeps everything in memory, until it aborts. */
  bury(): void {
    for (const { stop, abort } of this.#buried) {
      stop.abort();
      abort.abort();
    }
  }

  #deliver(life: StoresLife, what: string, act: () => void): void {
    if (this.#life !== life) return;
    const world = this.#world;
    this.#steps += 1;
    const awayMs = this.#crashes.get(this.#steps);
    if (awayMs !== undefined && world.isTroubled) {
      this.kill(awayMs);
      return;
    }
    world.trace(() => `${life.name}    ${what}`);
    world.stats.steps += 1;
    world.touched = true;
    act();
  }

  #send(life: StoresLife, store: number, request: SimulatedRequest): Journey {
    const kind = kindOf(request);
    const nth = (this.#requests.get(`${store} ${kind}`) ?? 0) + 1;
    this.#requests.set(`${store} ${kind}`, nth);
    const fate = this.#fateOf(store, kind, nth);
    const { stats, trace, pace } = this.#world;
    pace.sent(life, store, fate);
    if (fate.kind !== "fine") stats.faults += 1;
    trace(() => {
      const { verb, key } = request;
      const but = fate.kind === "fine" ? "" : `, but ${JSON.stringify(fate)}`;
      return `${life.name}    sends ${verb} ${key} to ${storeNameOf(store)} (${kind} ${nth})${but}`;
    });
    const latencyMs = this.#world.plan.stores[store]?.latencyMs ?? { min: 1, max: 1 };
    const way = (what: string): number => this.#latencyMs(`${what} ${store}`, latencyMs);
    return { fate, outMs: way("out"), backMs: way("back") };
  }

  #fateOf(store: number, kind: RequestKind, nth: number): Fate {
    const { isTroubled, timeline } = this.#world;
    if (!isTroubled) return fine;
    const { nowMs } = timeline;
    const outage = this.#outages.find(
      (it) =>
        it.store === store &&
        (it.request ?? kind) === kind &&
        nowMs >= it.atMs &&
        nowMs < it.atMs + it.forMs,
    );
    return outage?.fate ?? this.#faults.get(`${store} ${kind} ${nth}`) ?? fine;
  }

  #latencyMs(way: string, { min, max }: LatencyMs): number {
    const nth = (this.#sent.get(way) ?? 0) + 1;
    this.#sent.set(way, nth);
    const ms = min * (max / min) ** unitOf(this.#world.plan.seed, way, this.index, nth);
    return this.#world.isTroubled ? ms : Math.min(ms, calmLatencyMs);
  }

  #ended(life: StoresLife, how: Pick<StoresEnding, "error" | "stopped">): void {
    if (this.#life !== life) return;
    this.#life = null;
    const { error, stopped } = how;
    this.#world.trace(
      () => `${life.name}    ends: ${error === null ? JSON.stringify(stopped) : error.message}`,
    );
    this.#world.ended({ host: this, life, ...how });
  }
}
