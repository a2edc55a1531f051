import type { NodeIdentity } from "../../src/chanbackup/snapshot.ts";
import { checkStatus } from "../../src/checks/status.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import { type Fate, fine } from "./fate.ts";
import { unitOf } from "./seeded-random.ts";
import { epochMs, simulatedClock } from "./simulated-clock.ts";
import { SimulatedSource } from "./simulated-source.ts";
import { SimulatedStore } from "./simulated-store.ts";
import type { World } from "./world.ts";

export interface MonitorOptions {
  readonly asksNode: boolean;
  readonly skewMs: number;
  readonly identity: NodeIdentity;
}

export interface MonitorReport {
  readonly verdict: string;
  /** What was found, for people. */
  readonly findings: string;
}

/** The share of a monitor's requests that go wrong while faults happen. */
const faultyShare = 0.03;

/** `status`, run on a separate machine at any moment. */
export class MonitorRun {
  readonly #world: World;
  readonly #name: string;
  readonly #options: MonitorOptions;
  #sent = 0;

  constructor(world: World, nth: number, options: MonitorOptions) {
    this.#world = world;
    this.#name = `monitor.${nth}`;
    this.#options = options;
  }

  /** Resolves with its report; null if the store didn't answer. */
  async run(): Promise<MonitorReport | null> {
    const { bucket, timeline, trace, checks, node, maxAgeMs } = this.#world;
    const { asksNode, skewMs, identity } = this.#options;
    const after = (delayMs: number, act: () => void): void => timeline.after(delayMs, act);
    const deliver = (what: string, act: () => void): void => this.#deliver(what, act);
    const network = {
      send: () => ({
        fate: this.#fate(),
        outMs: this.#latencyMs(),
        backMs: this.#latencyMs(),
      }),
      nowMs: () => timeline.nowMs,
      after,
      deliver,
      trace,
    };
    const source = new SimulatedSource({
      node,
      kind: "lnd",
      identity,
      isOwnNode: true,
      after,
      deliver,
      latencyMs: () => this.#latencyMs(),
    });
    trace(() => `${this.#name}  looks ${JSON.stringify(this.#options)}`);
    this.#world.touched = true;
    checks.verdict.begins(this.#name, { asksNode, skewMs, maxAgeMs });
    try {
      const { verdict, findings } = await checkStatus({
        store: new SimulatedStore(bucket, network, this.#name),
        node: "node",
        maxAgeMs,
        ...(asksNode && source.witness !== null
          ? { witness: source.witness, pubkey: identity.pubkey }
          : {}),
        clock: simulatedClock({
          wallMs: () => epochMs + Math.floor(timeline.nowMs + skewMs),
          monotonicMs: () => timeline.nowMs,
          after,
          deliver,
        }),
      });
      const found = findings.map(({ code, message }) => `${code}: ${message}`).join("; ");
      trace(() => `${this.#name}  says ${verdict} (${found})`);
      checks.verdict.ends(this.#name, verdict);
      return { verdict, findings: found };
    } catch (error) {
      trace(() => `${this.#name}  says nothing: ${ScbError.from(error).message}`);
      checks.verdict.ends(this.#name, null);
      if (!hasCode(error, "store-busy", "store-unknown")) {
        checks.checker.fail("verdict", `${this.#name}: ${ScbError.from(error).message}`);
      }
      return null;
    }
  }

  #deliver(what: string, act: () => void): void {
    this.#world.trace(() => `${this.#name}  ${what}`);
    this.#world.stats.steps += 1;
    this.#world.touched = true;
    act();
  }

  #fate(): Fate {
    const { plan, isTroubled } = this.#world;
    const isFaulty = unitOf(plan.seed, this.#name, "fate", this.#sent) < faultyShare;
    return isTroubled && isFaulty ? { kind: "turned-away" } : fine;
  }

  #latencyMs(): number {
    this.#sent += 1;
    const { plan, isTroubled } = this.#world;
    const { min, max } = plan.latencyMs;
    const ms = min * (max / min) ** unitOf(plan.seed, this.#name, this.#sent);
    return isTroubled ? ms : Math.min(ms, 500);
  }
}
