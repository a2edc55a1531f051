import type { AlsoRestore } from "../repository/also-restore.ts";
import type { Base } from "../repository/base.ts";
import { readHeld, readVersion } from "../repository/version.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { HeldBackups } from "./held-backups.ts";

/** The result of a look: of reading the store back. */
export type LookResult =
  /** The store holds what it should, as of now. */
  | {
      readonly kind: "confirmed";
      readonly base: Base;
      /**
       * Flaws of the older versions that the base names. Known flaws are no news, see
       * `StateSwapper.look`.
       */
      readonly alsoFlaws: readonly AlsoFlaw[];
    }
  /** The folder is new or empty. */
  | { readonly kind: "nothing"; readonly base: Base }
  /** Something that was saved is gone or has changed, so the node's state must be saved again. */
  | {
      readonly kind: "save-anew";
      readonly base: Base;
      readonly error: ScbError;
      /** The version at fault. */
      readonly key: string;
    };

/** An older version that a restore also needs, and that isn't in the store as it was saved. */
export interface AlsoFlaw {
  readonly key: string;
  readonly error: ScbError;
}

export interface ReadBackOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Opens what this process neither made nor opened before; null if nothing can open it. */
  readonly heldBackups: HeldBackups | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads back the version that a base names as current, whole, and the older versions that a restore also
 * needs. What this process hasn't made or opened must open. Changes nothing; throws what the store and
 * the node throw.
 */
export async function readBack(base: Base, options: ReadBackOptions): Promise<LookResult> {
  const { store, heldBackups, signal } = options;
  const { held } = base;
  if (held === null) return { kind: "nothing", base };
  const flawed = (key: string, what: string): ScbError =>
    new ScbError("version-damaged", `${store.location}/${key}, which the pointer names, ${what}`);
  const failed = (key: string, what: string): LookResult => ({
    kind: "save-anew",
    base,
    key,
    error: flawed(key, `${what}; this mirror saves the node's state again`),
  });
  const current = await readHeld(store, held, { signal });
  if (current.kind === "missing") return failed(held.key, "is gone");
  if (current.kind === "damaged") return failed(held.key, "doesn't hold the bytes that were saved");
  if (heldBackups !== null && !heldBackups.isKnown(current.sha256)) {
    const isOpened = await heldBackups.opens(current.bytes, signal);
    if (isOpened === false) return failed(held.key, "does not open");
  }
  const alsoFlaws: AlsoFlaw[] = [];
  for (const needed of held.alsoRestore) {
    const { key } = needed;
    const flaw = await flawOf(needed, options);
    if (flaw !== null) alsoFlaws.push({ key, error: flawed(key, flaw) });
  }
  return { kind: "confirmed", base, alsoFlaws };
}

async function flawOf(
  { key, sha256 }: AlsoRestore,
  { store, signal }: ReadBackOptions,
): Promise<string | null> {
  const { kind } = await readVersion(store, { key, sha256 }, { signal });
  if (kind === "missing") return "is gone, and closed channels with locked funds depend on it";
  return kind === "damaged"
    ? "is damaged, and closed channels with locked funds depend on it"
    : null;
}
