import { Monitor, type MonitorOptions, type NodeReport } from "../../src/monitor/monitor.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { makeSwapper, swapOnce } from "../support/mirror-fixture.ts";

/** A clock that a test moves on. A short wait moves it, too; a long one lasts until it is aborted. */
export function movedClock(): Clock & { pass(ms: number): void } {
  const hasty = hastyClock({ longMs: 10_000 });
  let passedMs = 0;
  return {
    now: () => hasty.now() + passedMs,
    monotonicMs: () => hasty.monotonicMs() + passedMs,
    sleep: (ms, signal) => hasty.sleep(ms, signal),
    pass(ms) {
      passedMs += ms;
    },
  };
}

/** Stores in memory, with the backups of some nodes, and what watches them: it can only read. */
export class MonitorWorld {
  readonly clock = movedClock();
  readonly states: readonly MemoryState[];
  /** What the monitor asks of each. */
  readonly asked: readonly FaultyStore[];
  readonly monitor: Monitor;

  constructor({
    stores = 1,
    ...options
  }: Partial<Omit<MonitorOptions, "stores"> & { stores: number }> = {}) {
    this.states = Array.from({ length: stores }, () => new Map());
    this.asked = this.states.map((state, index) => {
      const asked = new FaultyStore(new MemoryStore(state, this.clock), `memory:${index}`);
      for (const verb of ["put", "delete"] as const) {
        asked.fail(verb, /./, "store-denied", { times: Infinity });
      }
      return asked;
    });
    this.monitor = new Monitor({
      stores: this.asked.map((store) => ({ name: store.location, store })),
      requirement: "all",
      maxAgeMs: 36 * 3_600_000,
      folderMs: 30_000,
      secondLookMs: 5_000,
      clock: this.clock,
      random: systemRandom,
      ...options,
    });
  }

  /** The folder of a node, for its mirror. */
  folder(node: string, index = 0) {
    return prefixedStore(new MemoryStore(this.states[index], this.clock), node);
  }

  /** Has the node's mirror save so many new states, in each store the same. */
  async save(node: string, count = 1, packed?: Uint8Array): Promise<void> {
    for (let saved = 0; saved < count; saved += 1) {
      for (const index of this.states.keys()) {
        const swapper = makeSwapper(this.folder(node, index), { clock: this.clock });
        await swapOnce(swapper, packed);
      }
      this.clock.pass(1_000);
    }
  }

  /** One round, and how many requests it took of the first store. */
  async round() {
    const before = this.asked[0]?.calls.length ?? 0;
    const round = await this.monitor.round();
    const calls = this.asked[0]?.calls.slice(before) ?? [];
    const told = new Map(round.nodes.map((report) => [report.node, summary(report)]));
    return { ...round, calls, told };
  }
}

/** The verdict, and the codes of what it rests on. */
export function summary({ verdict, findings }: NodeReport): string {
  const codes = findings.filter(({ level }) => level !== "warning").map(({ code }) => code);
  return [verdict, ...new Set(codes)].join(" ");
}
