import { isNodeFolder } from "../repository/node-folders.ts";
import type { Clock } from "../runtime/clock.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";

/** A folder without backups is looked into again: at first soon, for a mirror may have just begun there. */
const mostAgainMs = 10 * 60_000;
/** More than this aren't remembered: they are only looked into more often. */
const mostOthers = 10_000;

/** The nodes that one store holds, and has held since it was first looked at: none is forgotten. */
export class NodeNames {
  readonly #nodes = new Set<string>();
  /** Folders of something else: since when, and when they are looked into again. Monotonic. */
  readonly #others = new Map<string, { readonly sinceMs: number; readonly dueMs: number }>();

  get known(): ReadonlySet<string> {
    return this.#nodes;
  }

  /** One request, and one or two for each folder that is new. Throws what the store throws. */
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
