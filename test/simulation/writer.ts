import type { NodeIdentity } from "../../src/chanbackup/snapshot.ts";
import { latestKey } from "../../src/repository/layout.ts";
import type { ScbError } from "../../src/runtime/error.ts";
import { type Fate, fine } from "./fate.ts";
import { MirrorProcess, type WriterProcess } from "./mirror-process.ts";
import { PackProcess } from "./pack-process.ts";
import type { PlanItem, RequestKind } from "./plan-item.ts";
import { SeededRandom, unitOf } from "./seeded-random.ts";
import { epochMs, simulatedClock } from "./simulated-clock.ts";
import type { SourceKind } from "./simulated-source.ts";
import {
  type Heard,
  type Journey,
  type SimulatedRequest,
  SimulatedStore,
} from "./simulated-store.ts";
import type { Ending, World } from "./world.ts";

/** One life of the writer, until it ends or dies. */
interface Life {
  readonly name: string;
  readonly process: WriterProcess;
  /** A guard has refused the last state that it had. */
  isHeldBack: boolean;
  isCutShort: boolean;
}

/** The mirror of another node, that somebody points at this folder. */
export const strangerIndex = 99;

/** The slowest that anything is without faults. */
const calmLatencyMs = 500;

/**
 * A mirror that dies and comes back. Each life is a new process that inherits nothing from the last but
 * the machine's clock, and the requests that are still in flight.
 */
export class Writer {
  readonly index: number;
  readonly #world: World;
  readonly #kind: SourceKind;
  readonly #identity: NodeIdentity;
  readonly #crashes = new Map<number, number>();
  readonly #faults = new Map<string, Fate>();
  readonly #partitions: Extract<PlanItem, { kind: "partition" }>[] = [];
  readonly #requests = new Map<RequestKind, number>();
  #life: Life | null = null;
  readonly #dead: WriterProcess[] = [];
  #lives = 0;
  #steps = 0;
  #sent = 0;
  #thawAtMs = 0;
  #frozenMs = 0;
  #skewMs = 0;

  constructor(world: World, index: number, kind: SourceKind, identity: NodeIdentity) {
    this.index = index;
    this.#world = world;
    this.#kind = kind;
    this.#identity = identity;
    for (const item of world.plan.items) {
      if (item.kind === "partition" && (item.writer ?? index) === index) {
        this.#partitions.push(item);
      }
      if (item.kind === "crash" && item.writer === index) this.#crashes.set(item.step, item.awayMs);
      if (item.kind === "fault" && item.writer === index) {
        this.#faults.set(`${item.request} ${item.nth}`, item.fate);
      }
    }
  }

  /** The name of the process that runs now. */
  get name(): string | null {
    return this.#life?.name ?? null;
  }

  get asksNode(): boolean {
    return this.#kind === "lnd";
  }

  get isClockWrong(): boolean {
    return this.#skewMs !== 0;
  }

  /** Whether a process was one of its lives. */
  isOf(name: string): boolean {
    return name.startsWith(`w${this.index}.`);
  }

  start(): void {
    if (this.#life !== null) return;
    this.#lives += 1;
    const world = this.#world;
    const { plan, bucket, node } = world;
    const name = `w${this.index}.${this.#lives}`;
    const after = (delayMs: number, act: () => void): void => world.timeline.after(delayMs, act);
    const deliver = (what: string, act: () => void): void => this.#deliver(life, what, act);
    const network = {
      send: (request: SimulatedRequest) => this.#send(request),
      nowMs: () => world.timeline.nowMs,
      after,
      deliver,
      heard: (heard: Heard) => world.checks.heard(heard, name),
      trace: world.trace,
    };
    const { claims } = world.checks;
    const sourceWorld = {
      node,
      kind: this.#kind,
      identity: this.#identity,
      after,
      deliver,
      isOwnNode: this.index !== strangerIndex,
      latencyMs: () => this.#latencyMs("node"),
      onAsked: () => claims.asksNode(name),
      onGiven: (packed: Uint8Array) => claims.wasGiven(packed, name),
      onSilence: () => claims.nodeIsSilent(name),
    };
    const Process = world.mode === "mirror" ? MirrorProcess : PackProcess;
    const process = new Process({
      name,
      store: new SimulatedStore(bucket, network, name),
      world: sourceWorld,
      identity: this.#identity,
      singleWriter: plan.singleWriter,
      refreshIntervalMs: plan.refreshIntervalMs,
      minIntervalMs: plan.minIntervalMs,
      lookIntervalMs: plan.lookIntervalMs,
      clock: simulatedClock({
        wallMs: () => epochMs + Math.floor(world.timeline.nowMs + this.#skewMs),
        monotonicMs: () => world.timeline.nowMs - this.#frozenMs,
        after,
        deliver,
      }),
      random: new SeededRandom(plan.seed, "process", this.index, this.#lives),
      observe: (event) => {
        if (event.kind === "refused") life.isHeldBack = true;
        if (event.kind === "swapped" || event.kind === "unchanged") life.isHeldBack = false;
        world.told(event, name);
      },
    });
    const life: Life = { name, process, isHeldBack: false, isCutShort: false };
    this.#life = life;
    world.trace(() => `${name}    starts`);
    void process.run().then((error) => this.#ended(life, error));
  }

  /** As `kill -9`: its requests in flight go on without it. */
  kill(awayMs: number): void {
    const { trace, stats, timeline } = this.#world;
    if (this.#life === null) return;
    trace(() => `${this.name}    DIES, and comes back in ${Math.round(awayMs)} ms`);
    stats.crashes += 1;
    this.#dead.push(this.#life.process);
    this.#life = null;
    timeline.after(awayMs, () => this.start());
  }

  /** SIGTERM, and after `graceMs` the order to end at once. */
  stop(graceMs: number): void {
    const life = this.#life;
    if (life === null) return;
    this.#world.trace(() => `${life.name}    is told to stop`);
    this.#world.touched = true;
    this.#world.checks.claims.toldToStop(life.name);
    life.process.stop();
    this.#world.timeline.after(graceMs, () => {
      if (this.#life !== life) return;
      this.#world.trace(() => `${life.name}    is cut short`);
      this.#world.touched = true;
      life.isCutShort = true;
      life.process.abort();
    });
  }

  /**
   * When all is judged: who died waits for ever, and Node keeps every signal that somebody listens
   * to, and so the whole world, until it aborts.
   */
  bury(): void {
    for (const process of this.#dead) {
      process.stop();
      process.abort();
    }
  }

  freeze(forMs: number): void {
    const { timeline, plan } = this.#world;
    const untilMs = Math.min(timeline.nowMs + forMs, plan.troubleMs);
    const thawAtMs = Math.max(this.#thawAtMs, untilMs);
    this.#frozenMs += thawAtMs - Math.max(this.#thawAtMs, timeline.nowMs);
    this.#thawAtMs = thawAtMs;
  }

  jump(byMs: number): void {
    this.#skewMs += byMs;
  }

  #deliver(life: Life, what: string, act: () => void): void {
    if (this.#life !== life) return;
    const world = this.#world;
    if (world.timeline.nowMs < this.#thawAtMs) {
      world.timeline.at(this.#thawAtMs, () => this.#deliver(life, what, act));
      return;
    }
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

  #send(request: SimulatedRequest): Journey {
    const kind = kindOf(request);
    const nth = (this.#requests.get(kind) ?? 0) + 1;
    this.#requests.set(kind, nth);
    const fate = this.#fateOf(kind, nth);
    const { stats, trace } = this.#world;
    if (kind === "pointer") this.#world.sentPointer(this.index, nth);
    if (fate.kind !== "fine") stats.faults += 1;
    trace(() => {
      const { verb, key } = request;
      const but = fate.kind === "fine" ? "" : `, but ${JSON.stringify(fate)}`;
      return `${this.name}    sends ${verb} ${key} (${kind} ${nth})${but}`;
    });
    return { fate, outMs: this.#latencyMs("out"), backMs: this.#latencyMs("back") };
  }

  #fateOf(kind: RequestKind, nth: number): Fate {
    const { isTroubled, timeline } = this.#world;
    if (!isTroubled) return fine;
    const { nowMs } = timeline;
    const partition = this.#partitions.find(
      ({ atMs, forMs, request = kind }) =>
        request === kind && nowMs >= atMs && nowMs < atMs + forMs,
    );
    return partition?.fate ?? this.#faults.get(`${kind} ${nth}`) ?? fine;
  }

  #latencyMs(way: string): number {
    this.#sent += 1;
    const { seed, latencyMs } = this.#world.plan;
    const unit = unitOf(seed, way, this.index, this.#sent);
    const ms = latencyMs.min * (latencyMs.max / latencyMs.min) ** unit;
    return this.#world.isTroubled ? ms : Math.min(ms, calmLatencyMs);
  }

  #ended(life: Life, error: ScbError | null): void {
    if (this.#life !== life) return;
    this.#life = null;
    this.#world.trace(
      () => `${life.name}    ends: ${error === null ? "all is saved" : error.message}`,
    );
    this.#world.ended({ writer: this, name: life.name, error, ...this.#owed(life) });
  }

  #owed({ process, isHeldBack, isCutShort }: Life): Pick<Ending, "isCutShort" | "known"> {
    return { isCutShort, known: isHeldBack ? { state: 0, channels: [] } : process.known };
  }
}

export function kindOf({ verb, key }: SimulatedRequest): RequestKind {
  if (verb === "get" || verb === "head" || verb === "list") return "read";
  if (key === latestKey) return "pointer";
  return key.startsWith("versions/") ? "version" : "other";
}
