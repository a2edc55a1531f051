import { collectFolder, unreadFolder } from "../checks/collect.ts";
import type { FolderEvidence, SeenBefore } from "../checks/evidence.ts";
import { storeTrouble, told } from "../checks/told.ts";
import { seenAfter } from "../checks/went-back.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { FolderMemory, type MemoryBudget } from "./folder-memory.ts";
import { FolderView } from "./folder-view.ts";
import { NodeNames } from "./node-names.ts";

export interface WatchedStoreOptions {
  /** The store's name. */
  readonly name: string;
  /** The store's root, with the nodes' folders below. */
  readonly store: ObjectStore;
  readonly budget: MemoryBudget;
  /** How long a look at one folder may take; a later answer doesn't count. */
  readonly folderMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** One look at a node's folder. */
export interface FolderLook {
  readonly folder: FolderEvidence;
  /** When the versions for a restore were read back, milliseconds since 1970; null if they weren't. */
  readonly readBackAt: number | null;
}

/** After so many unreadable folders in a row, the store counts as away, and the others aren't tried. */
const awayAfter = 8;

/** One store, from round to round. */
export class WatchedStore {
  readonly #options: WatchedStoreOptions;
  readonly #names = new NodeNames();
  readonly #memories = new Map<string, FolderMemory>();
  readonly #before = new Map<string, SeenBefore>();
  #failures = 0;
  /** Why it isn't asked any more in this round; null if it answers. */
  #away: ScbError | null = null;

  constructor(options: WatchedStoreOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get away(): ScbError | null {
    return this.#away;
  }

  /** Every node that it holds, or has held since the first look. */
  get nodes(): ReadonlySet<string> {
    return this.#names.known;
  }

  /** Begins a round. `isListed`: whether to list the nodes. Throws "aborted" and defects. */
  async begin(isListed: boolean, signal?: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    this.#failures = 0;
    this.#away = null;
    if (!isListed) return;
    const looked = await told(storeTrouble, () =>
      this.#inTime(signal, (within) => this.#names.look(store, clock, within)),
    );
    if (!looked.known) this.#away = looked.error;
  }

  /** Throws only "aborted" and defects: a store that doesn't answer is evidence too. */
  async look(node: string, signal?: AbortSignal): Promise<FolderLook> {
    const { clock, budget } = this.#options;
    const store = prefixedStore(this.#options.store, node);
    const unread = (error: ScbError): FolderLook => ({
      folder: unreadFolder({ store, node }, { known: false, error }),
      readBackAt: null,
    });
    if (this.#away !== null) return unread(this.#away);
    const memory = this.#memories.get(node) ?? new FolderMemory(budget);
    this.#memories.set(node, memory);
    const looked = await told(storeTrouble, () =>
      this.#inTime(signal, async (within) => {
        const view = new FolderView(store, memory, { ...this.#options, signal: within });
        const see = view.see.bind(view);
        const asked = { store: view, node, now: clock.now(), see, signal: within };
        const { folder } = await collectFolder(asked);
        view.end();
        return { folder, readBackAt: view.readBackAt() };
      }),
    );
    const error = looked.known ? errorOf(looked.value.folder) : looked.error;
    this.#count(error);
    if (!looked.known) return unread(looked.error);
    const before = this.#before.get(node) ?? null;
    const after = seenAfter(looked.value.folder, before);
    if (after !== null) this.#before.set(node, after);
    return { ...looked.value, folder: { ...looked.value.folder, before } };
  }

  #count(error: ScbError | null): void {
    const isAway = error?.code === "store-busy" || error?.code === "store-unknown";
    this.#failures = isAway ? this.#failures + 1 : 0;
    if (this.#failures >= awayAfter) this.#away = error;
  }

  #inTime<T>(
    signal: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, name, folderMs: ms } = this.#options;
    const late = (): ScbError =>
      new ScbError("store-unknown", `${name} didn't answer everything within ${ms / 1000} s`);
    return withinDeadline({ clock, ms, signal, late }, (deadline) => ask(deadline.signal));
  }
}

function errorOf({ current }: FolderEvidence): ScbError | null {
  return current.known ? null : current.error;
}
