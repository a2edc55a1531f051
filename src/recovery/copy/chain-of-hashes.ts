import { parseVersionKey } from "../../repository/layout.ts";
import type { VersionReading } from "../../repository/version.ts";
import type { CopyPlan } from "./copy-plan.ts";

/**
 * Checks each version against the hash that its successor recorded for it. Whoever overwrites a version
 * can also forge its metadata, but not what later versions say about it. Versions have to be read from the
 * newest to the oldest; several may be read at once.
 */
export class ChainOfHashes {
  readonly #standing: CopyPlan["standing"];
  readonly #named = new Map<string, string>();
  /** The reads that have begun, by sequence. */
  readonly #reads = new Map<number, Promise<void>[]>();

  constructor({ standing }: Pick<CopyPlan, "standing">) {
    this.#standing = standing;
  }

  /**
   * Reads a version and compares it with what its successors recorded. If `isNamed`, the pointer already
   * proves it, and it waits for no other.
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

  /** A version that never became current proves nothing about another. */
  #hear(read: VersionReading): void {
    if (read.kind === "missing" || this.#standing.get(read.key) !== "lineage") return;
    const previous = read.metadata?.previous ?? null;
    if (previous !== null && previous.sha256 !== "") {
      this.#named.set(previous.key, previous.sha256);
    }
  }
}
