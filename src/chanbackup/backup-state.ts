import { ScbError } from "../runtime/error.ts";
import { canonicalOutPoint, formatOutPoint, type OutPoint } from "../wire/out-point.ts";
import type { ChannelEvent } from "./channel-notifier.ts";
import { mergeSingles } from "./merge.ts";
import type { Multi } from "./multi.ts";
import { newSingle } from "./new-single.ts";
import type { Single } from "./single.ts";
import { SingleView } from "./single-view.ts";

/** The parts of an event that could not be taken in. */
export interface LeftOut {
  /** Closes of channels that only the backup holds. */
  readonly heldBack: readonly string[];
  readonly skipped: readonly { readonly channelPoint: string | null; readonly error: ScbError }[];
}

/**
 * What SubSwapper knows about its node's channels. A close is remembered for good. (lnd forgets it when a
 * swap fails, and its next merge brings the channel back.) Never holds more than one entry per channel.
 */
export class BackupState {
  readonly #open = new Map<string, SingleView>();
  readonly #closed = new Set<string>();
  /** Unconfirmed closes of channels that this program never had. */
  readonly #heldBack = new Set<string>();
  readonly #skipped = new Set<string>();
  #held: ReadonlySet<string> = new Set();
  #saved: Multi | null = null;
  #isLost = false;

  constructor(startingChans: readonly Single[]) {
    this.add(startingChans);
  }

  /** Reported channels that no backup can hold. */
  get skipped(): readonly string[] {
    return [...this.#skipped];
  }

  /**
   * Adds open channels, replacing those already known. They are kept in serialized form: nothing changes
   * them later, and each swap only copies them. Throws "encode" if no backup can hold one of them, and
   * then adds none.
   */
  add(singles: readonly Single[]): void {
    const views = singles.map(SingleView.of);
    for (const single of views) {
      const point = formatOutPoint(single.fundingOutpoint);
      this.#open.set(point, single);
      this.#closed.delete(point);
      this.#heldBack.delete(point);
      this.#skipped.delete(point);
    }
  }

  /** A channel that is both new and closed counts as closed, as in lnd. */
  apply({ newChans, closedChans }: ChannelEvent): LeftOut {
    const heldBack: string[] = [];
    const skipped: { channelPoint: string | null; error: ScbError }[] = [];
    const takeIn = (channelPoint: string | null, act: () => void): void => {
      try {
        act();
      } catch (error) {
        this.#skipped.add(channelPoint ?? "a channel without a channel point");
        skipped.push({ channelPoint, error: ScbError.ofCaller(error, "a channel's encoding") });
      }
    };
    for (const channel of newChans) {
      takeIn(pointOf(channel?.fundingOutpoint), () => this.add([newSingle(channel)]));
    }
    for (const closed of closedChans) {
      takeIn(null, () => {
        const point = canonicalOutPoint(closed);
        if (this.#open.has(point) || this.#closed.has(point)) this.close(point);
        else if (this.#held.has(point) && !this.#heldBack.has(point)) {
          this.#heldBack.add(point);
          heldBack.push(point);
        }
      });
    }
    return { heldBack, skipped };
  }

  /** Throws "decode" if it isn't a channel point. */
  close(channelPoint: string): void {
    const point = canonicalOutPoint(channelPoint);
    this.#open.delete(point);
    this.#heldBack.delete(point);
    this.#skipped.delete(point);
    this.#closed.add(point);
  }

  /** Records what the swapper holds now. */
  saved(merged: Multi): void {
    this.#saved = merged;
    this.#isLost = false;
  }

  /** The swapper lost its backup: what others had saved there is saved again from here. */
  lost(): void {
    this.#isLost = true;
  }

  /** What to save, given what is saved now. */
  mergeWith(current: Multi | null): Multi {
    const held = this.#isLost
      ? mergeSingles(this.#saved, current?.staticBackups ?? [], [])
      : current;
    const points = (held?.staticBackups ?? []).map((it) => formatOutPoint(it.fundingOutpoint));
    this.#held = new Set(points);
    return mergeSingles(held, this.#open.values(), this.#closed);
  }

  /**
   * The synchronisation point for a subscription. It includes channels that only the backup holds, so
   * that the notifier reports those that closed while nothing listened.
   */
  knownChans(): ReadonlySet<string> {
    const known = new Set([...this.#held, ...this.#open.keys()]);
    for (const point of this.#closed) known.delete(point);
    for (const point of this.#skipped) known.delete(point);
    return known;
  }
}

function pointOf(outPoint: OutPoint | undefined): string | null {
  try {
    return outPoint === undefined ? null : formatOutPoint(outPoint);
  } catch {
    return null;
  }
}
