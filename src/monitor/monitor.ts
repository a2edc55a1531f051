import { isTransient } from "../checks/second-look.ts";
import {
  type JudgeFoldersOptions,
  judgeFolders,
  type SeenFolder,
  type StoresReport,
} from "../checks/stores-status.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { MemoryBudget } from "./folder-memory.ts";
import { WatchedStore } from "./watched-store.ts";

export interface MonitorOptions extends JudgeFoldersOptions {
  readonly stores: readonly { readonly name: string; readonly store: ObjectStore }[];
  /** Only this node; otherwise all in the stores. */
  readonly node?: string | undefined;
  /** How long a look at one node in one store may take. Milliseconds. */
  readonly folderMs: number;
  /** When to look again at findings that may be momentary. Milliseconds. */
  readonly secondLookMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** A node's status, and when the versions that a restore would use were last read back. */
export interface NodeReport extends StoresReport {
  /** The oldest of all stores. Milliseconds since 1970; null if they weren't in one of the stores. */
  readonly readBackAt: number | null;
}

/** One look at every node. */
export interface Round {
  /** Sorted by name. */
  readonly nodes: readonly NodeReport[];
  /** The stores that didn't answer, with the reason. */
  readonly away: readonly { readonly store: string; readonly error: ScbError }[];
  /** When it began. Monotonic. */
  readonly begunMs: number;
  readonly tookMs: number;
}

/** Enough for the records of a thousand nodes, some 10 kB each. */
const memoryBytes = 48 * 1024 * 1024;
const notAsked = { node: { asked: false }, file: { asked: false } } as const;

/**
 * Looks at the folders of many nodes again and again, with a read-only credential, and judges each as
 * `status` does. What one round has read saves the next ones requests, but no conclusion rests on it unless
 * it is proved again.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #stores: readonly WatchedStore[];
  #last: ReadonlyMap<string, NodeReport> = new Map();

  constructor(options: MonitorOptions) {
    this.#options = options;
    const budget = new MemoryBudget(memoryBytes);
    this.#stores = options.stores.map((one) => new WatchedStore({ ...options, ...one, budget }));
  }

  /**
   * Looks at each node once, or twice if its stores differ. Calls `onLook` with how many nodes were looked
   * at, and how many there are. Throws "aborted" and defects.
   */
  async round(
    signal?: AbortSignal,
    onLook: (done: number, total: number) => void = () => undefined,
  ): Promise<Round> {
    const { node, clock, secondLookMs } = this.#options;
    const begunMs = clock.monotonicMs();
    await Promise.all(this.#stores.map((store) => store.begin(node === undefined, signal)));
    const names =
      node === undefined
        ? new Set(this.#stores.flatMap(({ nodes }) => [...nodes]))
        : new Set([node]);
    const reports = new Map<string, NodeReport>();
    const look = async (name: string): Promise<void> => {
      throwIfAborted(signal);
      reports.set(name, await this.#look(name, signal));
      onLook(reports.size, names.size);
    };
    await inParallel([...names].sort(), look);
    const unsure = [...reports.values()].filter((report) => this.#isNews(report));
    if (unsure.length > 0) {
      await clock.sleep(secondLookMs, signal);
      await inParallel(
        unsure.map((report) => report.node),
        look,
      );
    }
    this.#last = reports;
    return {
      nodes: [...names].sort().flatMap((name) => reports.get(name) ?? []),
      away: this.#stores.flatMap(({ name: store, away: error }) =>
        error === null ? [] : [{ store, error }],
      ),
      begunMs,
      tookMs: clock.monotonicMs() - begunMs,
    };
  }

  async #look(node: string, signal: AbortSignal | undefined): Promise<NodeReport> {
    const looks = await Promise.all(this.#stores.map((store) => store.look(node, signal)));
    const folders = this.#stores.flatMap(({ name }, index): SeenFolder[] => {
      const folder = looks[index]?.folder;
      return folder === undefined ? [] : [{ name, folder }];
    });
    const report = judgeFolders(
      folders,
      { at: this.#options.clock.now(), ...notAsked },
      this.#options,
    );
    const times = looks.map(({ readBackAt }) => readBackAt);
    const known = times.filter((time) => time !== null);
    return { ...report, readBackAt: known.length === times.length ? Math.min(...known) : null };
  }

  /** Whether it has a finding that may be momentary and that the last round didn't have. */
  #isNews(report: NodeReport): boolean {
    const before = new Set(this.#last.get(report.node)?.findings.map(({ code }) => code));
    return report.findings.some((finding) => isTransient(finding) && !before.has(finding.code));
  }
}
