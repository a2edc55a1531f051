import type { AlsoRestore } from "../repository/also-restore.ts";
import type { Base } from "../repository/base.ts";
import { listVersions } from "../repository/history.ts";
import { versionsPrefix } from "../repository/layout.ts";
import type { ExpectedVersion } from "../repository/version.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { HeldBackups } from "./held-backups.ts";

/** How many of the newest versions are searched for a closed channel. */
const mostSearched = 256;

export interface LimboCoverOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly heldBackups: HeldBackups;
  readonly logger: Logger;
}

/**
 * Finds the older versions that a restore needs besides a candidate. Once a channel's close has
 * confirmed, lnd no longer exports the channel, although its funds may stay locked for weeks; a restore
 * without the channel never recovers them. The version before the close still holds it and is never
 * overwritten, so the pointer keeps naming that version until the node calls the channel fully resolved.
 */
export class LimboCover {
  readonly #options: LimboCoverOptions;
  /** Versions that this process read back, with the channels found in them, by key. */
  readonly #proven = new Map<string, Required<AlsoRestore>>();
  /** Channels that were found in no version, and the versions that were opened in vain. */
  readonly #inVain = { points: new Set<string>(), keys: new Set<string>() };
  /** The current version at the last such search. */
  #searchedAtKey: string | null = null;
  #uncovered: readonly string[] = [];

  constructor(options: LimboCoverOptions) {
    this.#options = options;
  }

  /** Channels in limbo that no version holds, as of the last candidate. */
  get uncovered(): readonly string[] {
    return this.#uncovered;
  }

  /** Call it when a version turns out to be missing or damaged, so that another one is searched for. */
  forget(key: string): void {
    this.#proven.delete(key);
    this.#inVain.points.clear();
    this.#inVain.keys.clear();
  }

  /**
   * The older versions that the pointer to `candidate` must also name. If the source can't tell which
   * funds are in limbo, keeps what the base names: only the node's own answer may end that. Throws what
   * the store and the node throw.
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
    // A restored node doesn't know which channels it had closed: only a close that it knows of ends this.
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
    // No pointer has named these, so they may be gone by now and are read again.
    for (const { key, channelPoints } of this.#newestProven()) {
      if (found.has(key) || !channelPoints.some((point) => needed.has(point))) continue;
      this.#proven.delete(key);
      await take({ key });
    }
    await this.#search(needed, held?.key ?? null, take, signal);
    this.#uncovered = [...needed];
    // Oldest first, in whatever order they were found.
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Searches from the newest version on, since a channel may have closed while no mirror, or an older
   * release, was running. Includes versions that never became current, which may be the only ones left:
   * an upload whose pointer was refused, or one saved before someone restored an older pointer.
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
    // Versions searched in vain stay so; only new versions, or new channels, are worth opening.
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
        "a closed channel still has locked funds, and no version in the store holds the channel: if the node is lost, so are these funds",
      );
    }
  }

  #newestProven(): readonly Required<AlsoRestore>[] {
    return [...this.#proven.values()].sort((a, b) => (a.key < b.key ? 1 : -1));
  }

  /** Null if the version is missing or damaged, or nothing can open it. */
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
