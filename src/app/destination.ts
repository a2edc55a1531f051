import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation, storeName } from "../store/parse-location.ts";
import { storeForms } from "../store/store-kinds.ts";
import type { Settings } from "./settings.ts";

interface Surroundings {
  readonly settings: Settings;
  readonly logger: Logger;
}

/** One of the stores in `--to`. */
export interface NamedStore {
  /**
   * The store's URL without secrets, which events, findings and messages use. No two stores share a name.
   */
  readonly name: string;
  readonly store: ObjectStore;
}

/** The names of the stores in `--to`, in order. Throws "usage" if one occurs twice. */
export function storeNames({ to = [] }: Settings): readonly string[] {
  const names = to.map((location) => storeName(parseLocation(location)));
  const again = names.find((name, index) => names.indexOf(name) < index);
  if (again === undefined) return names;
  throw new ScbError("usage", `--to names ${again} twice: name each store once`);
}

/** Opens the stores in `--to`. Throws "usage" if there is none, or if one occurs twice. */
export async function storesOf({ settings, logger }: Surroundings): Promise<readonly NamedStore[]> {
  const { to = [], "request-timeout": requestTimeoutMs } = settings;
  if (to.length === 0) {
    throw new ScbError("usage", `no store is named: give --to ${storeForms()} (or SCB_MIRROR_TO)`);
  }
  const names = storeNames(settings);
  const { require: requirement } = settings;
  if (typeof requirement === "number" && requirement > names.length) {
    throw new ScbError(
      "usage",
      `--require ${requirement} can't be met: --to names ${names.length === 1 ? "only one store" : `only ${names.length} stores`}`,
    );
  }
  const opened: NamedStore[] = [];
  try {
    for (const [index, name] of names.entries()) {
      const location = parseLocation(to[index] ?? "");
      opened.push({ name, store: await openStore(location, { requestTimeoutMs, logger }) });
    }
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  return opened;
}

export async function closeAll(stores: readonly NamedStore[]): Promise<void> {
  await Promise.all(stores.map(({ store }) => store.close()));
}

/**
 * Whether the mirror only ever adds to this store: because the store has no conditional writes, or
 * because the operator says not to rely on them.
 */
export function isAppendOnly(
  store: ObjectStore,
  settings: Pick<Settings, "single-writer">,
): boolean {
  return store.conditions === "none" || settings["single-writer"];
}
