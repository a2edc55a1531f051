import type { AlsoRestore } from "../repository/also-restore.ts";
import type { Base } from "../repository/base.ts";
import { listVersions } from "../repository/history.ts";
import { versionsPrefix } from "../repository/layout.ts";
import type { ExpectedVersion } from "../repository/version.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { HeldBackups } from "./held-backups.ts";

/** A closed channel is looked for in so many of the newest versions. */
const mostSearched = 256;

export interface LimboCoverOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly heldBackups: HeldBackups;
  readonly logger: Logger;
}

/**
 * Which older versions a restore needs besides a candidate. lnd exports a channel no more once its
 * close has confirmed, though its funds may be locked for weeks; a restore without the channel never
 * gets them back. The version before that still holds it, and is never overwritten, so the pointer
 * goes on naming it until the node calls the channel fully resolved.
 */
export class LimboCover {
  readonly #options: LimboCoverOptions;
  /** What this process has read back and found to hold these channels, by key. */
  readonly #proven = new Map<string, Required<AlsoRestore>>();
  /** Channels that no version was found to hold, and what was opened in vain for them. */
  readonly #inVain = { points: new Set<string>(), keys: new Set<string>() };
  /** What was current at the last such search. */
  #searchedAtKey: string | null = null;
  #uncovered: readonly string[] = [];

  constructor(options: LimboCoverOptions) {
    this.#options = options;
  }

  /** Of the last candidate: channels in limbo that no version holds. */
  get uncovered(): readonly string[] {
    return this.#uncovered;
  }

  /** To be called if a version turned out to be missing or damaged: another is looked for then. */
  forget(key: string): void {
    this.#proven.delete(key);
    this.#inVain.points.clear();
    this.#inVain.keys.clear();
  }

  /**
   * What the pointer to `candidate` has to name besides. If the source can't tell which funds are in
   * limbo, what the base names is carried on: only the node's own word ends it. Throws what the store
   * and the node throw.
   */
  async alsoRestoreFor(
    { held }: Base,
    { limbo, contents }: Pick<Candidate, "limbo" | "contents">,
    signal?: AbortSignal,
  ): Promise<readonly AlsoRestore[]> {
    const before = held?.alsoRestore ?? [];
    if (limbo === null || contents === null) return before;
    const exported = new Set(contents.channelPoints);
    const inLimbo = limbo.map(({ channelPoint }) => channelPoint);
    const needed = new Set(inLimbo.filter((point) => !exported.has(point)));
    // A node that was restored doesn't know what it had closed: only a close that it knows ends this.
    const named = before.flatMap(({ channelPoints }) => channelPoints);
    const unheard = named.filter((point) => !inLimbo.includes(point));
    for (const point of await this.#options.heldBackups.notClosed(unheard, signal))
      needed.add(point);
    this.#uncovered = [];
    if (needed.size === 0) return [];
    const found = new Map<string, AlsoRestore>();
    const take = async (expected: ExpectedVersion): Promise<void> => {
      const opened = await this.#open(expected, signal);
      const points = opened?.channelPoints.filter((point) => needed.has(point)) ?? [];
      if (opened === null || points.length === 0) return;
      found.set(opened.key, { ...opened, channelPoints: points });
      for (const point of points) needed.delete(point);
    };
    for (const named of before) if (needed.size > 0) await take(named);
    if (needed.size > 0 && held !== null) await take(held);
    // Nobody has named these, so they may be gone by now: they are read again.
    for (const { key, channelPoints } of this.#newestProven()) {
      if (found.has(key) || !channelPoints.some((point) => needed.has(point))) continue;
      this.#proven.delete(key);
      await take({ key });
    }
    await this.#search(needed, held?.key ?? null, take, signal);
    this.#uncovered = [...needed];
    // Oldest first, however they were found.
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * From the newest on; a channel may have closed while no mirror, or an older one, was running. What
   * never became current does as well, and may be all there is: an upload whose pointer was refused, or
   * what was saved before somebody restored an older pointer.
   */
  async #search(
    needed: ReadonlySet<string>,
    heldKey: string | null,
    take: (expected: ExpectedVersion) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { store, logger } = this.#options;
    if (needed.size === 0) return;
    const inVain = this.#inVain;
    const isNew = [...needed].some((point) => !inVain.points.has(point));
    if (!isNew && heldKey === this.#searchedAtKey) return;
    const versions = await listVersions(store, versionsPrefix, { signal });
    const others = versions.filter(({ key }) => key !== heldKey).slice(-mostSearched);
    // What was searched in vain stays lost, unless another version has come since.
    const unopened = others.filter(({ key }) => isNew || !inVain.keys.has(key));
    for (const { key } of unopened.reverse()) {
      await take({ key });
      if (needed.size === 0) return;
    }
    this.#searchedAtKey = heldKey;
    for (const { key } of others) inVain.keys.add(key);
    for (const channelPoint of needed) {
      if (inVain.points.has(channelPoint)) continue;
      inVain.points.add(channelPoint);
      logger.error(
        { channelPoint },
        "a closed channel has funds that aren't home yet, and no version in the store holds it: they would be lost with the node",
      );
    }
  }

  #newestProven(): readonly Required<AlsoRestore>[] {
    return [...this.#proven.values()].sort((a, b) => (a.key < b.key ? 1 : -1));
  }

  /** Null for a version that is missing, damaged, or that nobody can open. */
  async #open(
    expected: ExpectedVersion,
    signal: AbortSignal | undefined,
  ): Promise<Required<AlsoRestore> | null> {
    const known = this.#proven.get(expected.key);
    if (known !== undefined) return known;
    const opened = await this.#options.heldBackups.openVersion(expected, signal);
    if (opened === null) return null;
    const { sha256, channelPoints } = opened;
    const proven = { key: expected.key, sha256, channelPoints };
    this.#proven.set(expected.key, proven);
    return proven;
  }
}

/** Whether two lists name the same versions for the same channels. */
export function isSameAlso(a: readonly AlsoRestore[], b: readonly AlsoRestore[]): boolean {
  const marks = (list: readonly AlsoRestore[]): string =>
    list
      .map(({ key, channelPoints }) => `${key} ${channelPoints.join(" ")}`)
      .sort()
      .join("\n");
  return marks(a) === marks(b);
}
