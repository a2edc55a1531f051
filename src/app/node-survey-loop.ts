import { sleepUntil } from "../chanbackup/nap.ts";
import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { NodeChannelsSeen, WatchedEvent } from "../watched/events.ts";

/** The pause between surveys if nothing happens. */
const intervalMs = 30_000;
/** The shortest pause, in a burst of swaps. */
const leastIntervalMs = 1_000;

/**
 * Asks the node for its channels every 30 s, and soon after each swap. This needs no store, so uncovered
 * channels show even while a store is away.
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

  /** A store's cover has changed, so survey now. */
  hasten(): void {
    this.#isDue = true;
    this.#cutShort.abort();
  }

  /** Runs until `signal` aborts. Reports a node that doesn't answer as an event. */
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
        // The node answers but its macaroon doesn't permit this, so asking again is pointless.
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

/** Without a witness, a source knows only the channels that it would back up. Null if it can't tell. */
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
