import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { type MirrorStoresOptions, mirrorStores, type Stopped } from "./mirror-stores.ts";
import { RunVerdicts } from "./run-verdicts.ts";
import type { Settings } from "./settings.ts";
import type { MirroredNode } from "./source.ts";
import { StoreMirror, type StoreMirrorOptions } from "./store-mirror.ts";

/** The node's folder in one store, and this mirror's own view of the node. */
export interface NodeFolder {
  /** The store's name. */
  readonly name: string;
  readonly store: ObjectStore;
  readonly source: SnapshotSource;
  readonly onLastDrill?: StoreMirrorOptions["onLastDrill"];
}

export interface RunStoresOptions
  extends Omit<
      StoreMirrorOptions,
      "name" | "store" | "mirrored" | "others" | "observe" | "onLastDrill"
    >,
    Pick<MirrorStoresOptions, "stop" | "abort" | "tell"> {
  readonly settings: StoreMirrorOptions["settings"] & Pick<Settings, "require">;
  readonly folders: readonly NodeFolder[];
  readonly mirrored: Omit<MirroredNode, "source">;
  /** Called before anything runs. The `verdicts` must then hear every event. */
  readonly judgeBy: (verdicts: RunVerdicts, mirrors: readonly StoreMirror[]) => void;
  /** Wraps the mirrors' work, for what runs beside them. */
  readonly around?: (
    work: () => Promise<Stopped>,
    mirrors: readonly StoreMirror[],
    verdicts: RunVerdicts,
  ) => Promise<Stopped>;
}

/**
 * Mirrors a known node into its folder in each store until stopped. Opens and closes nothing. Resolves
 * and throws as `mirrorStores`.
 */
export async function runStores(options: RunStoresOptions): Promise<Stopped> {
  const { settings, mirrored, clock, tell } = options;
  const mirrors: StoreMirror[] = options.folders.map(
    ({ name, store, source, onLastDrill }) =>
      new StoreMirror({
        ...options,
        name,
        store,
        mirrored: { ...mirrored, source },
        others: () => mirrors.filter((other) => other.name !== name),
        observe: (event) => tell({ ...event, store: name }),
        onLastDrill: (last) => {
          verdicts.lastDrill(name, last);
          onLastDrill?.(last);
        },
      }),
  );
  const verdicts = new RunVerdicts({
    stores: mirrors.map(({ name }) => name),
    requirement: settings.require,
    lookIntervalMs: settings["look-interval"],
    clock,
    tell,
  });
  for (const { name, limbo } of mirrors) verdicts.attach(name, limbo);
  options.judgeBy(verdicts, mirrors);
  const work = (): Promise<Stopped> =>
    mirrorStores(mirrors, { ...options, requirement: settings.require });
  return options.around === undefined ? work() : options.around(work, mirrors, verdicts);
}
