import { formatOutPoint, type OutPoint } from "../wire/out-point.ts";
import type { ChannelEvent } from "./channel-notifier.ts";
import { mergeSingles } from "./merge.ts";
import type { Multi } from "./multi.ts";
import { newSingle } from "./new-single.ts";
import type { Single } from "./single.ts";
import { SingleView } from "./single-view.ts";

/**
 * What SubSwapper knows of its node's channels. Each change has a number, its revision. A close is
 * kept until a backup without the channel is known to be saved: lnd forgets it when a swap fails,
 * and the next merge brings the channel back. Never holds more than one entry a channel.
 */
export class BackupState {
  readonly #open = new Map<string, SingleView>();
  readonly #closed = new Map<string, { readonly outPoint: OutPoint; readonly revision: number }>();
  #held: readonly string[] = [];
  #revision = 0;

  constructor(startingChans: readonly Single[]) {
    this.add(startingChans);
  }

  /** That of the newest change. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * These channels are open and look like this; one that is known already is replaced. They are kept
   * as they will be written: nothing changes them later, and each swap only copies them. Throws
   * "encode" for what no backup can hold, and takes in none of them then.
   */
  add(singles: readonly Single[]): void {
    const views = singles.map(SingleView.of);
    this.#revision++;
    for (const single of views) {
      const point = formatOutPoint(single.fundingOutpoint);
      this.#open.set(point, single);
      this.#closed.delete(point);
    }
  }

  /** A channel that is both new and closed is closed, as in lnd. Throws what `newSingle` and `add` do. */
  apply({ newChans, closedChans }: ChannelEvent): void {
    this.add(newChans.map(newSingle));
    for (const outPoint of closedChans) {
      const point = formatOutPoint(outPoint);
      this.#open.delete(point);
      this.#closed.set(point, { outPoint, revision: this.#revision });
    }
  }

  /** What to save, given what is saved now. */
  mergeWith(held: Multi | null): Multi {
    this.#held = pointsOf(held);
    const closed = [...this.#closed.values()].map(({ outPoint }) => outPoint);
    return mergeSingles(held, this.#open.values(), closed);
  }

  /** A merge made at `revision` is saved: the closes that it took in have done their work. */
  saved(merged: Multi, revision: number): void {
    this.#held = pointsOf(merged);
    for (const [point, close] of this.#closed) {
      if (close.revision <= revision) this.#closed.delete(point);
    }
  }

  /**
   * The synchronisation point for a subscription: also channels that only the backup holds, so that
   * those which closed while nobody listened are reported.
   */
  knownChans(): ReadonlySet<string> {
    const known = new Set([...this.#held, ...this.#open.keys()]);
    for (const point of this.#closed.keys()) known.delete(point);
    return known;
  }
}

function pointsOf(multi: Multi | null): string[] {
  return (multi?.staticBackups ?? []).map((single) => formatOutPoint(single.fundingOutpoint));
}
