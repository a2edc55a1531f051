import type { NodeIdentity } from "../../src/chanbackup/snapshot.ts";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { hasCode, type ScbError } from "../../src/runtime/error.ts";
import { Checker, type Violation } from "./checker.ts";
import { Meddler } from "./meddler.ts";
import type { Known } from "./mirror-process.ts";
import type { Meddling, Plan, PlanItem } from "./plan.ts";
import { type PruneItem, PruneRun } from "./prune-run.ts";
import { SimulatedBucket } from "./simulated-bucket.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { Timeline } from "./timeline.ts";
import { strangerIndex, Writer } from "./writer.ts";

export interface SimulationStats {
  /** What a process was woken with: answers, timers, snapshots, news of the node. */
  steps: number;
  faults: number;
  crashes: number;
  swaps: number;
}

export interface SimulationResult {
  readonly violation: Violation | null;
  readonly stats: SimulationStats;
}

/** Mirror mode: the node packs. Pack mode: a program reports channels, and they are packed here. */
export const modes = ["mirror", "pack"] as const;
export type Mode = (typeof modes)[number];

/** Runs one schedule. */
export type RunSchedule = (plan: Plan) => Promise<SimulationResult>;

/** How a life of a mirror ended. */
export interface Ending {
  readonly writer: Writer;
  readonly name: string;
  /** Null for a clean stop. */
  readonly error: ScbError | null;
  /** The time for a clean stop was over. */
  readonly isCutShort: boolean;
  /** What it knew of its node; nothing if a guard holds it back. */
  readonly known: Known;
}

const lndIdentity: NodeIdentity = { pubkey: `02${"ab".repeat(32)}`, network: "regtest" };
const otherIdentity: NodeIdentity = { pubkey: `03${"cd".repeat(32)}`, network: "regtest" };
const fileIdentity: NodeIdentity = { pubkey: null, network: null };
/** For each writer: far above what the longest schedules take. */
const mostSteps = 5_000;
/** A process that ended is started again, as a supervisor does. */
const restartMs = 1_000;

/** Enough for a request that hangs, a wait between tries, and the requests of a swap, all slow. */
const settleMs = 40_000;

/**
 * Everything that there is in one schedule, and the loop that lets one thing after the other happen.
 * Between two steps the production code runs until it waits for something that the simulation owns;
 * so the plan alone decides in which order all happens.
 */
export class World {
  readonly plan: Plan;
  readonly mode: Mode;
  readonly timeline: Timeline;
  readonly checker: Checker;
  readonly bucket: SimulatedBucket;
  readonly node = new SimulatedNode();
  readonly stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  readonly trace: (text: () => string) => void;
  /** Whether a process was given something to go on with. */
  touched = false;
  readonly #meddler: Meddler;
  readonly #writers: Writer[] = [];
  #prunes = 0;
  #isEnding = false;

  constructor(plan: Plan, mode: Mode, log: ((line: string) => void) | null = null) {
    this.plan = plan;
    this.mode = mode;
    this.timeline = new Timeline(plan.seed);
    const nowMs = (): number => this.timeline.nowMs;
    this.checker = new Checker({
      nowMs,
      hasPointer: !plan.singleWriter,
      isClosed: (channel) => this.node.closedChannels.includes(channel),
    });
    this.bucket = new SimulatedBucket(plan.flavour, this.checker, nowMs);
    this.#meddler = new Meddler(this.bucket, this.checker, nowMs);
    this.trace =
      log === null
        ? () => undefined
        : (text) => log(`${(nowMs() / 1000).toFixed(3).padStart(10)} s  ${text()}`);
    for (const item of plan.items) this.#schedule(item);
  }

  /** Faults, crashes and the like happen only until then. */
  get isTroubled(): boolean {
    return this.timeline.nowMs < this.plan.troubleMs;
  }

  async run(): Promise<SimulationResult> {
    const { checker, node, timeline, plan } = this;
    await this.#runUntil(plan.troubleMs);
    this.trace(() => "-------- the trouble is over");
    node.recover();
    this.#meddler.mend();
    for (const writer of this.#writers) writer.start();
    await this.#runUntil(timeline.nowMs + settleMs);
    checker.settled(
      node,
      this.#writers.map(({ name }) => name),
    );
    // What was late may still land; the refresh after that puts it right.
    await this.#runUntil(timeline.nowMs + longestDelayMs(plan) + plan.refreshIntervalMs);
    checker.refreshed(node, plan.refreshIntervalMs + settleMs);
    this.#isEnding = true;
    for (const writer of this.#writers) writer.stop(settleMs);
    await this.#runUntil(timeline.nowMs + settleMs + 1);
    const { violation } = checker;
    for (const writer of this.#writers) writer.bury();
    return { violation, stats: this.stats };
  }

  told(event: MirrorEvent, by: string): void {
    if (event.kind === "swapped") this.stats.swaps += 1;
    this.trace(() => `${by}    tells: ${describeEvent(event)}`);
    this.checker.wasTold(event, by);
  }

  sentPointer(writer: number, nth: number): void {
    if (writer !== 0) return;
    for (const item of this.plan.items) {
      if (item.kind !== "prune" || !("atPointer" in item.start)) continue;
      if (item.start.atPointer === nth) this.timeline.after(0, () => this.#prune(item));
    }
  }

  ended({ writer, name, error, isCutShort, known }: Ending): void {
    const { checker } = this;
    if (error === null) checker.stoppedCleanly(name, known);
    else if (isCutShort && error.code === "aborted") {
      if (this.#isEnding) checker.fail("saved", `${name} had to be cut short without any trouble`);
    } else {
      // In pack mode its key opens nothing either.
      const isStranger = writer.index === strangerIndex;
      if (isStranger && hasCode(error, "wrong-node", "decrypt")) return;
      if (!this.#meddler.explains(error.code)) {
        checker.fail("stops", `${name} stopped with ${error.code}: ${error.message}`);
      }
    }
    if (!this.#isEnding && !this.#meddler.isPointerGone) {
      this.timeline.after(restartMs, () => writer.start());
    }
  }

  async #runUntil(endMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const go = (): void => {
      try {
        while (this.checker.violation === null) {
          this.touched = false;
          if (!this.timeline.step(endMs)) break;
          if (!this.touched) continue;
          if (this.stats.steps > mostSteps * (1 + this.#writers.length))
            this.checker.fail("I7", "it goes round in circles");
          // Microtasks run to their end before that: nothing is ready to run then.
          setImmediate(go);
          return;
        }
        resolve();
      } catch (error) {
        reject(error);
      }
    };
    go();
    return promise;
  }

  #schedule(item: PlanItem): void {
    const { timeline, node, trace } = this;
    const during = (atMs: number, forMs: number, begin: () => void, end: () => void): void => {
      timeline.at(Math.min(atMs, this.plan.troubleMs), () => {
        trace(() => `-------- ${JSON.stringify(item)}`);
        begin();
      });
      timeline.at(Math.min(atMs + forMs, this.plan.troubleMs), end);
    };
    const once = (atMs: number, act: () => void): void => during(atMs, 0, act, () => undefined);
    switch (item.kind) {
      case "writer": {
        const identity = item.source === "lnd" ? lndIdentity : fileIdentity;
        const writer = new Writer(this, item.writer, item.source, identity);
        this.#writers.push(writer);
        timeline.at(item.atMs, () => writer.start());
        break;
      }
      case "open":
        once(item.atMs, () => node.open());
        break;
      case "close":
        once(item.atMs, () => node.close(item.which));
        break;
      case "glitch":
        during(
          item.atMs,
          item.forMs,
          () => node.beginGlitch(item.glitch),
          () => node.endGlitch(),
        );
        break;
      case "node-away":
        during(
          item.atMs,
          item.forMs,
          () => node.goAway(),
          () => node.comeBack(),
        );
        break;
      case "stop":
        once(item.atMs, () => this.#writer(item.writer)?.stop(item.graceMs));
        break;
      case "freeze":
        once(item.atMs, () => this.#writer(item.writer)?.freeze(item.forMs));
        break;
      case "clock-jump":
        once(item.atMs, () => this.#writer(item.writer)?.jump(item.byMs));
        break;
      case "meddle":
        once(item.atMs, () => this.#meddle(item.deed));
        break;
      case "prune":
        if ("atMs" in item.start) once(item.start.atMs, () => this.#prune(item));
        break;
      // What strikes a writer's own steps and requests it looks up by itself.
      case "crash":
      case "partition":
      case "fault":
        break;
    }
  }

  #prune(item: PruneItem): void {
    this.#prunes += 1;
    new PruneRun(this, this.#prunes, item).start();
  }

  #writer(index: number): Writer | undefined {
    return this.#writers.find((writer) => writer.index === index);
  }

  #meddle(deed: Meddling): void {
    if (deed !== "other-node") this.#meddler.do(deed);
    else if (this.checker.current !== null) {
      new Writer(this, strangerIndex, "lnd", otherIdentity).start();
    }
  }
}

/** Of a request that lands after its sender was told that there is no answer. */
function longestDelayMs({ items }: Plan): number {
  const delays = items.map((item) =>
    item.kind === "fault" && "byMs" in item.fate ? item.fate.byMs : 0,
  );
  return Math.max(0, ...delays);
}

function describeEvent(event: MirrorEvent): string {
  switch (event.kind) {
    case "swapped":
      return `swapped to ${event.commit.key} after ${event.attempts} attempts`;
    case "refused":
      return `refused as ${event.code}`;
    case "retrying":
      return `retrying in ${event.retryInMs} ms after ${event.error.code}`;
    case "unchanged":
      return `unchanged (${event.reason})`;
    case "recovered":
      return "recovered";
    case "confirmed":
      return `confirmed by a look at the ${event.depth}`;
    case "lost":
      return `lost: ${event.error.message}`;
  }
}
