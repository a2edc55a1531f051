import { isNodeFolder } from "../repository/node-folders.ts";
import type { Clock } from "../runtime/clock.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";

/** A folder without backups is checked again, at first soon: a mirror may have just started there. */
const mostAgainMs = 10 * 60_000;
/** Others aren't remembered, and are only checked more often. */
const mostOthers = 10_000;

/** The nodes that one store holds, or has held since the first look: none is forgotten. */
export class NodeNames {
  readonly #nodes = new Set<string>();
  /** Other folders: when they were first seen, and when to check them again. Monotonic. */
  readonly #others = new Map<string, { readonly sinceMs: number; readonly dueMs: number }>();

  get known(): ReadonlySet<string> {
    return this.#nodes;
  }

  /** Costs one request, and one or two for each new folder. Throws what the store throws. */
  async look(store: ObjectStore, clock: Clock, signal?: AbortSignal): Promise<void> {
    const nowMs = clock.monotonicMs();
    const unknown: string[] = [];
    for await (const folder of store.listFolders("", { signal })) {
      if (this.#nodes.has(folder)) continue;
      if ((this.#others.get(folder)?.dueMs ?? -Infinity) <= nowMs) unknown.push(folder);
    }
    await inParallel(unknown, async (folder) => {
      if (await isNodeFolder(prefixedStore(store, folder), signal)) {
        this.#others.delete(folder);
        this.#nodes.add(folder);
      } else if (this.#others.size < mostOthers) {
        const { sinceMs = nowMs } = this.#others.get(folder) ?? {};
        this.#others.set(folder, {
          sinceMs,
          dueMs: nowMs + Math.min(mostAgainMs, nowMs - sinceMs),
        });
      }
    });
  }
}
