import type { NodeIdentity } from "../../src/chanbackup/snapshot.ts";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { hasCode, type ScbError } from "../../src/runtime/error.ts";
import type { Checker } from "./checker.ts";
import { Checks } from "./checks.ts";
import type { Fate } from "./fate.ts";
import type { Violation } from "./invariants.ts";
import { Meddler } from "./meddler.ts";
import type { Known } from "./mirror-process.ts";
import { type MonitorReport, MonitorRun } from "./monitor-run.ts";
import type { Plan } from "./plan.ts";
import type { Meddling, PlanItem } from "./plan-item.ts";
import { type PruneItem, PruneRun } from "./prune-run.ts";
import { runUntil } from "./run-until.ts";
import { SimulatedBucket } from "./simulated-bucket.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { Timeline } from "./timeline.ts";
import { strangerIndex, Writer } from "./writer.ts";

export interface SimulationStats {
  /** The events that woke a process: answers, timers, snapshots, news from the node. */
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

const versionDeeds: readonly Meddling[] = [
  "delete-version",
  "overwrite-version",
  "overwrite-version-and-hash",
];

/** Of a look at the end that takes longer than anything may. */
const notYet = { report: null, isExcused: false };

/** Enough for a request that hangs, a wait between tries, and the requests of a swap, all slow. */
const settleMs = 40_000;

/**
 * Everything in one schedule, and the loop that runs one event after the other.
 * Between two steps the production code runs until it waits for something that the simulation controls,
 * so the plan alone decides the order of events.
 */
export class World {
  readonly plan: Plan;
  readonly mode: Mode;
  readonly timeline: Timeline;
  readonly checks: Checks;
  readonly checker: Checker;
  readonly bucket: SimulatedBucket;
  readonly node: SimulatedNode;
  /** What a monitor is content with. */
  readonly maxAgeMs: number;
  readonly stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  readonly trace: (text: () => string) => void;
  /** Whether a process was given something to go on with. */
  touched = false;
  readonly #meddler: Meddler;
  readonly #writers: Writer[] = [];
  /** The node tells the truth, and nobody changes the folder by hand. */
  readonly #isHonest: boolean;
  #prunes = 0;
  #monitors = 0;
  #isEnding = false;

  constructor(plan: Plan, mode: Mode, log: ((line: string) => void) | null = null) {
    this.plan = plan;
    this.mode = mode;
    this.timeline = new Timeline(plan.seed);
    const nowMs = (): number => this.timeline.nowMs;
    this.node = new SimulatedNode(nowMs);
    this.maxAgeMs = 2 * plan.refreshIntervalMs + settleMs;
    this.checks = new Checks({
      node: this.node,
      nowMs,
      hasPointer: !plan.singleWriter,
      asksNode: (name) => this.#asksNode(name),
      compares: (name) => mode === "pack" || this.#asksNode(name),
      isPackMode: mode === "pack",
      isAlive: (name) => this.#writers.some((writer) => writer.name === name),
      clocksAreRight: !plan.items.some(({ kind }) => kind === "clock-jump"),
    });
    this.checker = this.checks.checker;
    this.bucket = new SimulatedBucket(plan.flavour, this.checks, nowMs);
    this.#meddler = new Meddler(this.bucket, this.checks, nowMs);
    this.trace =
      log === null
        ? () => undefined
        : (text) => log(`${(nowMs() / 1000).toFixed(3).padStart(10)} s  ${text()}`);
    this.#isHonest = !plan.items.some(({ kind }) =>
      ["glitch", "meddle", "put-back"].includes(kind),
    );
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
    await this.#runUntil(timeline.nowMs + longestDelayMs(plan.items) + plan.refreshIntervalMs);
    checker.refreshed(node, plan.refreshIntervalMs + settleMs);
    if (!plan.singleWriter) this.checks.limbo.settled();
    if (plan.items.some(({ kind }) => kind === "monitor")) await this.#lookAtTheEnd();
    this.#isEnding = true;
    // A store of a key a page, and slow: nothing but a stop that hangs takes longer.
    const graceMs = 3 * settleMs;
    for (const writer of this.#writers) writer.stop(graceMs);
    await this.#runUntil(timeline.nowMs + graceMs + 1);
    const { violation } = checker;
    for (const writer of this.#writers) writer.bury();
    return { violation, stats: this.stats };
  }

  /** Nothing is wrong any more, so the verdict must be safe, unless a person has to repair something. */
  async #lookAtTheEnd(): Promise<void> {
    const { checks, checker } = this;
    // While a mirror's clock is wrong, nobody can tell the age of what it saves.
    if (this.#writers.some(({ isClockWrong }) => isClockWrong)) return;
    for (const asksNode of [true, false]) {
      const said = Promise.withResolvers<{ report: MonitorReport | null; isExcused: boolean }>();
      const look = async (): Promise<void> => {
        const report = await this.#monitor({ asksNode, skewMs: 0 });
        said.resolve({ report, isExcused: checks.verdict.leftover() !== null });
      };
      this.timeline.after(0, () => void look());
      await this.#runUntil(this.timeline.nowMs + settleMs);
      if (checker.violation !== null) return;
      const { report, isExcused } = await Promise.race([said.promise, notYet]);
      if (report?.verdict === "safe" || isExcused) continue;
      checker.fail("verdict", `at the end the verdict is ${report?.verdict}: ${report?.findings}`);
    }
  }

  #monitor(options: { readonly asksNode: boolean; readonly skewMs: number }) {
    this.#monitors += 1;
    return new MonitorRun(this, this.#monitors, { ...options, identity: lndIdentity }).run();
  }

  told(event: MirrorEvent, by: string): void {
    if (event.kind === "swapped") this.stats.swaps += 1;
    this.trace(() => `${by}    tells: ${describeEvent(event)}`);
    this.checks.wasTold(event, by);
    if (event.kind === "refused" && this.#isHonest && this.#asksNode(by)) {
      this.checker.fail("guards", `${by} refused what an honest node gave: ${event.message}`);
    }
  }

  /** In pack mode a program says which channels are open and closed, and nothing of limbo. */
  #asksNode(name: string): boolean {
    if (this.mode === "pack") return false;
    return this.#writers.some((writer) => writer.asksNode && writer.isOf(name));
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
    if (error === null) this.checks.stoppedCleanly(name, known, isCutShort);
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

  #runUntil(endMs: number): Promise<void> {
    return runUntil(endMs, this, { hops: 1, mostSteps: mostSteps * (1 + this.#writers.length) });
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
    const change = (act: () => void): void => {
      act();
      this.checks.verdict.changed();
    };
    switch (item.kind) {
      case "writer": {
        const identity = item.source === "lnd" ? lndIdentity : fileIdentity;
        const writer = new Writer(this, item.writer, item.source, identity);
        this.#writers.push(writer);
        timeline.at(item.atMs, () => writer.start());
        break;
      }
      case "open":
        once(item.atMs, () => change(() => node.open()));
        break;
      case "close":
        once(item.atMs, () => change(() => node.close(item.which)));
        break;
      case "force-close":
        once(item.atMs, () => change(() => this.#forceClose(item)));
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
      case "put-back": {
        const copied = this.#meddler.copyLater();
        once(item.copiedAtMs, () => copied.copy());
        once(item.atMs, () => copied.putBack(item.what));
        break;
      }
      case "all-crash":
        once(item.atMs, () => {
          for (const writer of this.#writers) writer.kill(item.awayMs);
        });
        break;
      case "monitor":
        once(item.atMs, () => void this.#monitor(item));
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

  #forceClose({ which, atMs, lockedMs }: Extract<PlanItem, { kind: "force-close" }>): void {
    const { node } = this;
    const isResolved = (resolve: () => void): void => {
      if (lockedMs === null) return;
      this.timeline.at(Math.min(atMs + lockedMs, this.plan.troubleMs), () => {
        resolve();
        this.checks.verdict.changed();
      });
    };
    // A program in pack mode reports a channel as closed once its funds are home, as it has to.
    if (this.mode === "pack") isResolved(() => node.close(which));
    else {
      const channel = node.forceClose(which);
      if (channel !== null) isResolved(() => node.resolve(channel));
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
    // A program in pack mode merges with what is current: if that is damaged, a person has to mend it.
    if (this.mode === "pack" && versionDeeds.includes(deed)) return;
    if (deed !== "other-node") this.#meddler.do(deed);
    else if (this.checker.current !== null) {
      new Writer(this, strangerIndex, "lnd", otherIdentity).start();
    }
  }
}

/** Of a request that lands after its sender was told that there is no answer. */
export function longestDelayMs(
  items: readonly { readonly kind: string; readonly fate?: Fate }[],
): number {
  const delays = items.map((item) =>
    item.fate !== undefined && "byMs" in item.fate ? item.fate.byMs : 0,
  );
  return Math.max(0, ...delays);
}

export function describeEvent(event: MirrorEvent): string {
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
