import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import { neededOf } from "../../src/checks/requirement.ts";
import { probeVerdictKey } from "../../src/repository/layout.ts";
import type { ErrorCode } from "../../src/runtime/error.ts";
import { programVersion } from "../../src/runtime/version.ts";
import { Checks } from "./checks.ts";
import type { Fail, Violation } from "./invariants.ts";
import { Meddler } from "./meddler.ts";
import { runUntil } from "./run-until.ts";
import { type BucketWatcher, SimulatedBucket, somebody } from "./simulated-bucket.ts";
import { epochMs } from "./simulated-clock.ts";
import { SimulatedNode } from "./simulated-node.ts";
import type { Heard } from "./simulated-store.ts";
import { StoresCheck } from "./stores-check.ts";
import { type StoresEnding, StoresHost, type StoresLife, storeNameOf } from "./stores-host.ts";
import { StoresPace } from "./stores-pace.ts";
import type { StoresItem, StoresPlan } from "./stores-plan.ts";
import { Timeline } from "./timeline.ts";
import {
  describeEvent,
  longestDelayMs,
  type SimulationResult,
  type SimulationStats,
} from "./world.ts";

/** For each process and store: far above what the longest schedules take. */
const mostSteps = 5_000;
/** A process that ended is started again, as a supervisor does. */
const restartMs = 1_000;
/** A store that failed is looked at again after a minute; then as for one store. */
const settleMs = 60_000 + 40_000;

/**
 * One node, several stores, and the processes that mirror the node into the stores: what `run` does with
 * several `--to`. Each store has the checks of a single store; further checks cover all of them together.
 */
export class StoresWorld {
  readonly plan: StoresPlan;
  readonly timeline: Timeline;
  readonly node: SimulatedNode;
  readonly checks: readonly Checks[];
  readonly cross: StoresCheck;
  readonly pace: StoresPace;
  readonly stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  readonly trace: (text: () => string) => void;
  touched = false;
  readonly checker: { readonly violation: Violation | null; readonly fail: Fail };
  readonly #buckets: readonly SimulatedBucket[];
  readonly #meddlers: readonly Meddler[];
  readonly #hosts: StoresHost[] = [];
  /** The node tells the truth, and nobody changes a folder by hand. */
  readonly #isHonest: boolean;
  #violation: Violation | null = null;
  #isEnding = false;

  constructor(plan: StoresPlan, log: ((line: string) => void) | null = null) {
    this.plan = plan;
    this.timeline = new Timeline(plan.seed);
    const nowMs = (): number => this.timeline.nowMs;
    this.trace =
      log === null
        ? () => undefined
        : (text) => log(`${(nowMs() / 1000).toFixed(3).padStart(10)} s  ${text()}`);
    this.node = new SimulatedNode(nowMs);
    this.checks = plan.stores.map(
      () =>
        new Checks({
          node: this.node,
          nowMs,
          hasPointer: true,
          asksNode: () => true,
          compares: () => true,
          isPackMode: false,
          isAlive: (name) => this.#hosts.some(({ life }) => life?.name === name),
          clocksAreRight: true,
        }),
    );
    const violation = (): Violation | null => this.#firstViolation();
    const fail: Fail = (invariant, message) => {
      this.#violation ??= { invariant, message };
    };
    this.checker = {
      get violation() {
        return violation();
      },
      fail,
    };
    const { node, checks } = this;
    const needed = (stores: number): number => neededOf(plan.requirement, stores);
    const wasStruck = (name: string, store: number) => this.pace.wasStruck(name, store);
    this.cross = new StoresCheck({ node, nowMs, checks, needed, wasStruck, fail });
    this.pace = new StoresPace({
      plan,
      node,
      checks,
      after: (delayMs, act) => this.timeline.after(delayMs, act),
      nowMs,
      isAlive: (life) => this.#hosts.some((host) => host.life === life),
      fail,
    });
    this.#buckets = plan.stores.map(
      ({ flavour }, store) => new SimulatedBucket(flavour, this.#watcher(store), nowMs),
    );
    for (const bucket of this.#buckets) foundGood(bucket);
    this.#meddlers = this.#buckets.map((bucket, store) => {
      return new Meddler(bucket, this.#of(checks, store), nowMs);
    });
    this.#isHonest = !plan.items.some(({ kind }) => kind === "glitch" || kind === "meddle");
    for (const item of plan.items) this.#schedule(item);
  }

  /** Faults, crashes and the like happen only until then. */
  get isTroubled(): boolean {
    return this.timeline.nowMs < this.plan.troubleMs;
  }

  bucket(store: number): SimulatedBucket {
    return this.#of(this.#buckets, store);
  }

  async run(): Promise<SimulationResult> {
    const { node, timeline, plan, checker } = this;
    await this.#runUntil(plan.troubleMs);
    this.trace(() => "-------- the trouble is over");
    node.recover();
    this.pace.nodeTurned();
    for (const meddler of this.#meddlers) meddler.mend();
    for (const host of this.#hosts) host.start();
    await this.#runUntil(timeline.nowMs + settleMs);
    const alive = this.#hosts.map(({ life }) => life?.name ?? null);
    for (const store of this.#mirrored) this.#of(this.checks, store).checker.settled(node, alive);
    await this.#runUntil(timeline.nowMs + 2 * plan.lookIntervalMs + settleMs);
    this.#checkVerdicts();
    const delayMs = longestDelayMs(plan.items);
    await this.#runUntil(timeline.nowMs + delayMs + plan.refreshIntervalMs);
    for (const store of this.#mirrored) {
      const { checker: own, limbo } = this.#of(this.checks, store);
      own.refreshed(node, plan.refreshIntervalMs + settleMs);
      limbo.settled();
    }
    this.#isEnding = true;
    const graceMs = settleMs;
    for (const host of this.#hosts) host.stop(graceMs);
    await this.#runUntil(timeline.nowMs + graceMs + 1);
    const { violation } = checker;
    for (const host of this.#hosts) host.bury();
    return { violation, stats: this.stats };
  }

  told(event: DaemonEvent, life: StoresLife): void {
    const { name } = life;
    this.pace.told(event, life);
    this.cross.told(event, name);
    const whose = event.store === null ? "" : `${event.store}: `;
    this.trace(() => `${name}    tells: ${whose}${describeDaemonEvent(event)}`);
    if (event.kind === "failed") {
      const { error } = event;
      if (!this.#mayFail(storeOf(event.store), error.code) && !life.isCutShort) {
        this.checker.fail(
          "stops",
          `${name}: ${event.store} failed: ${error.code}: ${error.message}`,
        );
      }
      return;
    }
    if (!isMirrorEvent(event)) return;
    if (event.kind === "swapped") this.stats.swaps += 1;
    if (event.store !== null) this.#of(this.checks, storeOf(event.store)).wasTold(event, name);
    if (event.kind === "refused" && this.#isHonest) {
      this.checker.fail("guards", `${name} refused what an honest node gave: ${event.message}`);
    }
  }

  heard(store: number, heard: Heard, name: string): void {
    this.#of(this.checks, store).heard(heard, name);
    this.cross.heard(store, heard, name);
    this.pace.heard(store, heard, name);
  }

  ended({ host, life, error, stopped }: StoresEnding): void {
    const { checker } = this;
    const { name, isCutShort } = life;
    const wasTold = life.stop.signal.aborted;
    if (stopped !== null) this.#stoppedCleanly(life, stopped);
    else if (wasTold && error?.code === "aborted") {
      const what = isCutShort ? "had to be cut short" : "could not save everything";
      if (this.#isEnding) checker.fail("saved", `${name} ${what} without any trouble`);
    } else if (error !== null && !life.stores.some((store) => this.#mayFail(store, error.code))) {
      checker.fail("stops", `${name} stopped with ${error.code}: ${error.message}`);
    }
    if (!this.#isEnding) this.timeline.after(restartMs, () => host.start());
  }

  /** As many stores as are needed hold what it knew, and no fewer than it says. */
  #stoppedCleanly(
    { name, stores, source, isCutShort }: StoresLife,
    { last, saved }: NonNullable<StoresEnding["stopped"]>,
  ): void {
    const state = source.heardState;
    const held = stores.filter((store) => {
      const { current } = this.#of(this.checks, store).checker;
      return current?.by.name === somebody || (current?.backup.state ?? 0) >= state;
    });
    if (last === "refused") return;
    const needed = last === null ? 0 : neededOf(this.plan.requirement, stores.length);
    if (held.length < Math.max(needed, saved)) {
      this.checker.fail(
        "saved",
        `${name} knew of state ${state}, says that ${saved} of ${stores.length} stores hold it, and stores ${held} do`,
      );
    }
    if (saved < needed) {
      this.checker.fail("saved", `${name} says that all is saved, in ${saved} of ${needed} stores`);
    }
    if (saved !== stores.length) return;
    for (const store of stores) {
      this.#of(this.checks, store).stoppedCleanly(name, { state, channels: [] }, isCutShort);
    }
  }

  /** Nothing is wrong any more, so the verdict has to be safe. */
  #checkVerdicts(): void {
    // What a store missed that lay in limbo then, nobody can bring back.
    if (this.node.limbo.length > 0 || this.plan.items.some(({ kind }) => kind === "meddle")) return;
    for (const { life } of this.#hosts) {
      const verdict = life && this.cross.verdictOf(life.name);
      if (life === null || verdict === "safe") continue;
      this.checker.fail("verdict", `long after all trouble, ${life.name} says "${verdict}"`);
    }
  }

  /** A person has to repair that: the credentials, or changes to the folder by hand. */
  #mayFail(store: number, code: ErrorCode): boolean {
    if (code === "store-denied") {
      return this.plan.items.some(
        (item) => item.kind === "outage" && item.fate.kind === "denied" && item.store === store,
      );
    }
    return this.#of(this.#meddlers, store).explains(code);
  }

  /** Stores that some process mirrors into. */
  get #mirrored(): readonly number[] {
    return [...new Set(this.#hosts.flatMap(({ stores }) => stores))];
  }

  #firstViolation(): Violation | null {
    if (this.#violation !== null) return this.#violation;
    for (const [store, { checker }] of this.checks.entries()) {
      const { violation } = checker;
      if (violation === null) continue;
      const { invariant, message } = violation;
      this.#violation = { invariant, message: `${storeNameOf(store)}: ${message}` };
      return this.#violation;
    }
    return null;
  }

  #watcher(store: number): BucketWatcher {
    const checks = this.#of(this.checks, store);
    return {
      wasRead: (key, by) => checks.wasRead(key, by),
      wasPut: (object, by) => {
        const { current } = checks.checker;
        this.cross.wasPut(store, object, by);
        checks.wasPut(object, by);
        this.cross.moved(store, current);
      },
      wasDeleted: (key, by) => checks.wasDeleted(key, by),
    };
  }

  #runUntil(endMs: number): Promise<void> {
    const most = mostSteps * (1 + this.#hosts.length) * this.plan.stores.length;
    // What is shared begins a turn of the event loop later.
    return runUntil(endMs, this, { hops: 4, mostSteps: most });
  }

  #schedule(item: StoresItem): void {
    const { timeline, node, trace, plan, pace } = this;
    const at = (atMs: number, act: () => void): void => {
      timeline.at(Math.min(atMs, plan.troubleMs), () => {
        trace(() => `-------- ${JSON.stringify(item)}`);
        act();
      });
    };
    const during = (begin: () => void, end: () => void): void => {
      const { atMs, forMs } = item as { readonly atMs: number; readonly forMs: number };
      at(atMs, begin);
      timeline.at(Math.min(atMs + forMs, plan.troubleMs), end);
    };
    const change = (act: () => void): void => {
      const { state } = node;
      act();
      if (node.state !== state) pace.changed();
    };
    const hears = (isIt: boolean): void => {
      for (const host of this.#hosts) host.hearsNode(isIt);
    };
    const turn = (act: () => void): void => {
      act();
      pace.nodeTurned();
    };
    switch (item.kind) {
      case "process": {
        const known = this.#hosts.find(({ index }) => index === item.process);
        const host = known ?? new StoresHost(this, item.process);
        if (known === undefined) this.#hosts.push(host);
        at(item.atMs, () => host.mirrorInto(item.stores));
        break;
      }
      case "open":
        at(item.atMs, () => change(() => node.open()));
        break;
      case "close":
        at(item.atMs, () => change(() => node.close(item.which)));
        break;
      case "force-close":
        at(item.atMs, () => change(() => this.#forceClose(item.which, item.lockedMs)));
        break;
      case "glitch":
        during(
          () => turn(() => node.beginGlitch(item.glitch)),
          () => turn(() => node.endGlitch()),
        );
        break;
      case "node-away":
        during(
          () => {
            turn(() => node.goAway());
            hears(false);
          },
          () => {
            turn(() => node.comeBack());
            hears(true);
          },
        );
        break;
      case "all-crash":
        at(item.atMs, () => {
          for (const host of this.#hosts) host.kill(item.awayMs);
        });
        break;
      case "stop":
        at(item.atMs, () => {
          this.#hosts.find(({ index }) => index === item.process)?.stop(item.graceMs);
        });
        break;
      case "meddle":
        at(item.atMs, () => this.#of(this.#meddlers, item.store).do(item.deed));
        break;
      // What strikes a process's own steps and requests it looks up by itself.
      case "crash":
      case "outage":
      case "fault":
        break;
    }
  }

  #forceClose(which: "oldest" | "newest", lockedMs: number | null): void {
    const { node, timeline, plan } = this;
    const channel = node.forceClose(which);
    if (channel === null || lockedMs === null) return;
    timeline.at(Math.min(timeline.nowMs + lockedMs, plan.troubleMs), () => node.resolve(channel));
  }

  #of<T>(all: readonly T[], store: number): T {
    const one = all[store];
    if (one === undefined) throw new Error(`there is no store ${store}`);
    return one;
  }
}

/** As if the probe had been there: it has tests of its own. */
function foundGood(bucket: SimulatedBucket): void {
  const verdict = {
    schema: 1,
    store: bucket.location,
    program: `scb-mirror/${programVersion}`,
    at: new Date(epochMs).toISOString(),
    conditionalWrites: "enforced",
  };
  const bytes = new TextEncoder().encode(JSON.stringify(verdict));
  bucket.put(
    probeVerdictKey,
    bytes,
    undefined,
    {},
    { name: somebody, sentAtMs: 0, wasLate: false },
  );
}

function storeOf(name: string): number {
  return Number(name.slice("store-".length));
}

function isMirrorEvent(event: DaemonEvent): event is Extract<
  DaemonEvent,
  {
    readonly kind:
      | "swapped"
      | "unchanged"
      | "refused"
      | "retrying"
      | "recovered"
      | "confirmed"
      | "lost";
  }
> {
  const others = ["started", "levelled", "drilled", "failed", "verdict", "waiting", "stopped"];
  return !others.includes(event.kind);
}

function describeDaemonEvent(event: DaemonEvent): string {
  switch (event.kind) {
    case "started":
      return `started at sequence ${event.sequence}`;
    case "levelled":
      return `levelled with ${event.from}`;
    case "failed":
      return `failed: ${event.error.message}`;
    case "verdict": {
      const found = event.findings.map(({ store, level, code }) => `${store} ${level} ${code}`);
      return `${event.verdict} (${found.join(", ")})`;
    }
    case "drilled":
    case "waiting":
    case "stopped":
      return event.kind;
    default:
      return describeEvent(event);
  }
}
