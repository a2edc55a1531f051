import { sleepUntil } from "../chanbackup/nap.ts";
import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { NodeChannelsSeen, WatchedEvent } from "../watched/events.ts";

/** From one question to the next, if nothing happens. */
const intervalMs = 30_000;
/** In a burst of swaps. */
const leastIntervalMs = 1_000;

/**
 * Asks the node for its channels every 30 s, and soon after each swap. This needs no store, so what
 * isn't covered shows while a store is away, too.
 */
export class NodeSurveyLoop {
  readonly #source: SnapshotSource;
  readonly #clock: Clock;
  #cutShort = new AbortController();
  #isDue = false;

  constructor(source: SnapshotSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The store's cover has changed: the next question is due. */
  hasten(): void {
    this.#isDue = true;
    this.#cutShort.abort();
  }

  /** Until `signal` aborts. A node that doesn't answer is told as an event, too. */
  async run(tell: (event: WatchedEvent) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedAtMs = this.#clock.monotonicMs();
      this.#isDue = false;
      try {
        const channels = await abortable(askNode(this.#source, signal), signal);
        tell({ kind: "surveyed", askedAtMs, channels });
      } catch (error) {
        if (signal.aborted) return;
        const { code, message } = ScbError.from(error);
        // It answers, and doesn't allow this.
        if (code === "node-denied") return;
        tell({ kind: "retrying", store: null, code, message });
      }
      await sleepUntil(this.#clock, leastIntervalMs, [signal]);
      if (this.#isDue) continue;
      this.#cutShort = new AbortController();
      await sleepUntil(this.#clock, intervalMs, [signal, this.#cutShort.signal]);
    }
  }
}

/** A source without a node behind it has only what it would back up. Null if it can't tell. */
async function askNode(
  source: SnapshotSource,
  signal: AbortSignal,
): Promise<NodeChannelsSeen | null> {
  const { witness } = source;
  if (witness === null) {
    const { channelPoints, limbo } = await source.snapshot("refresh", signal);
    return channelPoints && seen(unpriced(channelPoints), limbo ?? []);
  }
  const open =
    witness.openBalances === undefined
      ? unpriced(await witness.openChannelPoints(signal))
      : await witness.openBalances(signal);
  return seen(open, await witness.limboChannels(signal));
}

function unpriced(points: readonly string[]): ReadonlyMap<string, null> {
  return new Map(points.map((point) => [point, null]));
}

function seen(
  open: NodeChannelsSeen["open"],
  limbo: readonly { readonly channelPoint: string; readonly limboSat: number }[],
): NodeChannelsSeen {
  return {
    open,
    limbo: new Map(limbo.map(({ channelPoint, limboSat }) => [channelPoint, limboSat])),
  };
}
