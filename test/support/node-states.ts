/** What tells which of two backups is newer: each channel's short channel id, by channel point. */
export type BackupChannels = ReadonlyMap<string, string>;

/**
 * The states that a node went through, in order, as the node announced them. A backup is placed
 * among them by what it holds: a channel is first pending, then open under another short channel id,
 * then gone. If the node never closes its newest channel first, this is unambiguous: a channel is gone
 * if the backup lacks it and holds a later one, and not opened yet otherwise.
 */
export class NodeStates {
  /** When each was heard; milliseconds since 1970. */
  readonly atMs: number[] = [];
  readonly #states: BackupChannels[] = [];
  /** The short channel ids that each channel has had, in order. Channels are in the order of opening. */
  readonly #idsOf = new Map<string, string[]>();

  get newest(): number {
    return this.#states.length - 1;
  }

  /** Adds a state, unless it equals the last one. */
  hear(channels: BackupChannels, atMs: number): void {
    const last = this.#states.at(-1);
    if (last !== undefined && isSame(last, channels)) return;
    this.#states.push(channels);
    this.atMs.push(atMs);
    for (const [point, id] of channels) {
      const ids = this.#idsOf.get(point);
      if (ids === undefined) this.#idsOf.set(point, [id]);
      else if (!ids.includes(id)) ids.push(id);
    }
  }

  /** The newest state that this backup covers; -1 if it covers none. */
  indexOf(channels: BackupChannels): number {
    const held = this.#progress(channels);
    return this.#states.findLastIndex((state) =>
      this.#progress(state).every((rank, index) => (held[index] ?? 0) >= rank),
    );
  }

  /** The known ones of these channels, oldest first. */
  inOrderOfOpening(points: readonly string[]): readonly string[] {
    return [...this.#idsOf.keys()].filter((point) => points.includes(point));
  }

  /** Each channel's stage: 0 before it was opened, infinite once it is gone. */
  #progress(channels: BackupChannels): readonly number[] {
    const points = [...this.#idsOf.keys()];
    const newest = points.findLastIndex((point) => channels.has(point));
    return points.map((point, index) => {
      const id = channels.get(point);
      if (id === undefined) return index < newest ? Number.POSITIVE_INFINITY : 0;
      return 1 + (this.#idsOf.get(point)?.indexOf(id) ?? 0);
    });
  }
}

function isSame(one: BackupChannels, other: BackupChannels): boolean {
  return one.size === other.size && [...one].every(([point, id]) => other.get(point) === id);
}
