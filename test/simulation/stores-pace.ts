import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import type { Checks } from "./checks.ts";
import { type Fate, requestTimeoutMs } from "./fate.ts";
import type { Fail } from "./invariants.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { Heard } from "./simulated-store.ts";
import type { StoresLife } from "./stores-host.ts";
import type { StoresPlan } from "./stores-plan.ts";

/** How one process stands with one store. */
interface Standing {
  readonly life: StoresLife;
  readonly store: number;
  /** When a request last met anything but its ordinary answer; the sender may wait that long for it. */
  struckAtMs: number;
  silentUntilMs: number;
  /** Its sender, who may not be the only one, knows by then what has become of that request. */
  answeredAtMs: number;
  /** It is waited for the store's next answer to see that it is back. */
  isBack: boolean;
  /** Since when the store's engine runs; null for not now. */
  startedAtMs: number | null;
  /** A person has to mend it, so it is looked at again only after this. */
  failedAtMs: number;
}

/** From one try to the next, a node that is back is asked again. */
const nodeBackoffMs = 15_000;
/** From one try to the next, after which a store that is back is level. */
const levelMs = 2_000;
/** Before a store begins it gives slow others a chance to tell what they hold. */
const othersOpenMs = 2_000;
/** Where nothing was saved yet, what the others hold is copied first: those are waited for that answer. */
const othersReachedMs = 3 * requestTimeoutMs;

/**
 * Each store is as fast as it and the node are, whatever the others do: a change is in it within a few
 * round trips where nothing is wrong with it, and what it missed within 2 s more once it is back.
 */
export class StoresPace {
  readonly #plan: StoresPlan;
  readonly #node: SimulatedNode;
  readonly #checks: readonly Checks[];
  readonly #after: (delayMs: number, act: () => void) => void;
  readonly #nowMs: () => number;
  readonly #isAlive: (life: StoresLife) => boolean;
  readonly #fail: Fail;
  #standings: Standing[] = [];
  #nodeTroubledAtMs = -Infinity;
  /** How many of these expectations were put to the test. */
  tested = 0;

  constructor(options: {
    readonly plan: StoresPlan;
    readonly node: SimulatedNode;
    readonly checks: readonly Checks[];
    readonly after: (delayMs: number, act: () => void) => void;
    readonly nowMs: () => number;
    readonly isAlive: (life: StoresLife) => boolean;
    readonly fail: Fail;
  }) {
    this.#plan = options.plan;
    this.#node = options.node;
    this.#checks = options.checks;
    this.#after = options.after;
    this.#nowMs = options.nowMs;
    this.#isAlive = options.isAlive;
    this.#fail = options.fail;
  }

  starts(life: StoresLife): void {
    this.#standings = this.#standings.filter((it) => this.#isAlive(it.life));
    for (const store of life.stores) {
      this.#standings.push({
        life,
        store,
        struckAtMs: -Infinity,
        silentUntilMs: -Infinity,
        answeredAtMs: -Infinity,
        isBack: false,
        startedAtMs: null,
        failedAtMs: -Infinity,
      });
    }
  }

  /** The node's channels have changed. */
  changed(): void {
    const nowMs = this.#nowMs();
    for (const standing of this.#standings) {
      const { startedAtMs, struckAtMs, silentUntilMs, store } = standing;
      const quietSinceMs = Math.max(struckAtMs, silentUntilMs) + levelMs;
      const isCalm = startedAtMs !== null && quietSinceMs + this.#swapMs(store) < nowMs;
      if (isCalm && this.#isNodeCalm) this.#expect(standing, this.#swapMs(store));
    }
  }

  /** The node has begun, or ceased, to be away or to lie. */
  nodeTurned(): void {
    this.#nodeTroubledAtMs = this.#nowMs();
  }

  sent(life: StoresLife, store: number, fate: Fate): void {
    const standing = this.#standing(life.name, store);
    if (fate.kind === "fine" || standing === undefined) return;
    standing.struckAtMs = this.#nowMs();
    const waitMs = "byMs" in fate ? fate.byMs : 0;
    standing.silentUntilMs = Math.max(
      standing.silentUntilMs,
      this.#nowMs() + requestTimeoutMs + waitMs,
    );
    const isSilent = ("silence" in fate && fate.silence === "timeout") || fate.kind === "doubled";
    const { max } = this.#plan.stores[store]?.latencyMs ?? { max: 0 };
    standing.answeredAtMs = this.#nowMs() + (isSilent ? requestTimeoutMs : 2 * max);
    standing.isBack = false;
  }

  /** An answer. The first one after trouble says that the store is back. */
  heard(store: number, { sentAtMs }: Heard, name: string): void {
    const standing = this.#standing(name, store);
    if (standing === undefined || standing.isBack || sentAtMs <= standing.answeredAtMs) return;
    standing.isBack = true;
    // A store that a person had to mend is looked at again each minute, and may not be done failing.
    if (standing.failedAtMs > -Infinity && standing.startedAtMs === null) return;
    if (this.#isNodeCalm) this.#expect(standing, levelMs + this.#beginMs(standing));
  }

  told(event: DaemonEvent, { name }: StoresLife): void {
    if (event.store === null || event.kind === "verdict") return;
    const standing = this.#standing(name, Number(event.store.slice("store-".length)));
    if (standing === undefined) return;
    if (event.kind === "started") standing.startedAtMs = this.#nowMs();
    if (event.kind === "failed") {
      standing.failedAtMs = this.#nowMs();
      standing.startedAtMs = null;
    }
  }

  /** So much later the store holds what the node has now, unless something else has happened. */
  #expect(standing: Standing, withinMs: number): void {
    const { life, store } = standing;
    const fromMs = this.#nowMs();
    const { state, channels } = this.#node;
    this.#after(withinMs, () => {
      const isSame = this.#isAlive(life) && !life.stop.signal.aborted;
      const isCalm = standing.struckAtMs < fromMs && standing.failedAtMs < fromMs;
      if (!isSame || !isCalm || this.#nodeTroubledAtMs >= fromMs) return;
      this.tested += 1;
      const held = this.#checks[store]?.checker.current?.backup;
      // What was opened and closed again leaves the channels as they were.
      const isHeld = held?.channels.join() === channels.join();
      if (isHeld || (held?.state ?? 0) >= state) return;
      this.#fail(
        "delay",
        `${life.name} had ${Math.round(withinMs)} ms to save state ${state} in store ${store}, with which nothing was wrong, and ${held?.state ?? 0} is current`,
      );
    });
  }

  /** What it may take besides the attempts' own delay. */
  #beginMs({ store, life, startedAtMs }: Standing): number {
    const swapMs = this.#swapMs(store);
    if (startedAtMs !== null) return swapMs;
    if (this.#checks[store]?.checker.current != null) return othersOpenMs + swapMs;
    const others = life.stores.filter((other) => other !== store);
    return othersReachedMs + Math.max(0, ...others.map((other) => this.#swapMs(other))) + swapMs;
  }

  /** The slowest that a change gets there: a swap that is under way, its own, and one to make up for a loss. */
  #swapMs(store: number): number {
    const { nodeLatencyMs, stores, minIntervalMs } = this.#plan;
    const { latencyMs, flavour } = stores[store] ?? { latencyMs: { max: 0 } };
    const pages = (this.#checks[store]?.checker.commits ?? 0) / (flavour?.pageSize ?? 1);
    // Snapshot and what guards ask, each after one that is under way; and all that a swap sends.
    const attemptMs = 6 * 4 * nodeLatencyMs.max + (8 + 2 * pages) * 2 * latencyMs.max;
    return nodeLatencyMs.max + minIntervalMs + 3 * attemptMs + 500;
  }

  get #isNodeCalm(): boolean {
    const { isAway, glitch } = this.#node;
    const isWell = !isAway && glitch === null;
    return isWell && this.#nodeTroubledAtMs + nodeBackoffMs < this.#nowMs();
  }

  /** Whether anything has gone wrong between a process and a store. */
  wasStruck(name: string, store: number): boolean {
    return (this.#standing(name, store)?.struckAtMs ?? 0) > -Infinity;
  }

  #standing(name: string, store: number): Standing | undefined {
    return this.#standings.find((it) => it.life.name === name && it.store === store);
  }
}
