import { parseVersionKey } from "../../repository/layout.ts";
import type { VersionReading } from "../../repository/version.ts";
import type { CopyPlan } from "./copy-plan.ts";

/**
 * What each version says of the hash of the one before it. Who writes over a version can write what it
 * says of itself, too; those that came after it still tell. For versions that are read from the newest
 * to the oldest, some at once.
 */
export class ChainOfHashes {
  readonly #standing: CopyPlan["standing"];
  readonly #named = new Map<string, string>();
  /** By sequence: the reads that have begun. */
  readonly #reads = new Map<number, Promise<void>[]>();

  constructor({ standing }: Pick<CopyPlan, "standing">) {
    this.#standing = standing;
  }

  /**
   * Reads a version, and holds what was read against what the versions after it say. One that
   * `isNamed` has been proved by the pointer, and waits for no other.
   */
  async prove(
    key: string,
    isNamed: boolean,
    readVersion: () => Promise<VersionReading>,
  ): Promise<VersionReading> {
    const sequence = parseVersionKey(key)?.sequence ?? 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reads.set(sequence, [...(this.#reads.get(sequence) ?? []), promise]);
    let read: VersionReading;
    try {
      read = await readVersion();
      this.#hear(read);
    } finally {
      resolve();
    }
    if (isNamed || read.kind === "missing" || read.kind === "damaged") return read;
    await Promise.all(this.#reads.get(sequence + 1) ?? []);
    const savedSha256 = this.#named.get(key);
    if (savedSha256 === undefined) return read;
    return savedSha256 === read.sha256
      ? { ...read, kind: "whole" }
      : { ...read, kind: "damaged", savedSha256 };
  }

  /** A version that never became current proves nothing of another. */
  #hear(read: VersionReading): void {
    if (read.kind === "missing" || this.#standing.get(read.key) !== "lineage") return;
    const previous = read.metadata?.previous ?? null;
    if (previous !== null && previous.sha256 !== "") {
      this.#named.set(previous.key, previous.sha256);
    }
  }
}
