import type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "../../src/chanbackup/channel-notifier.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { parseOutPoint } from "../../src/wire/out-point.ts";
import { channel } from "../chanbackup/sub-swapper-fakes.ts";
import { channelPoint } from "./simulated-backup.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { askNode, type SourceWorld } from "./simulated-source.ts";

/**
 * A program's view of its node: it takes every known channel that the node doesn't have for
 * closed, as a stranger would, also if the node was wiped when it starts.
 */
export class SimulatedNotifier implements ChannelNotifier {
  /** The open channels that the program was told about. */
  heard: readonly number[] = [];
  readonly #world: SourceWorld;
  readonly #onNews: () => void;
  #hasSubscribed = false;

  constructor(world: SourceWorld, onNews: () => void) {
    this.#world = world;
    this.#onNews = onNews;
  }

  /** The node's channels. */
  async read(signal: AbortSignal): Promise<readonly number[]> {
    const { node } = this.#world;
    this.heard = await askNode(this.#world, "channels", signal, () => {
      if (node.glitch === "text")
        throw new ScbError("node-unavailable", "simulated: it is starting");
      return visible(node);
    });
    return this.heard;
  }

  async subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription> {
    const { node, after, deliver, latencyMs } = this.#world;
    let known: ReadonlySet<string> = knownChans;
    const queue: { readonly event: ChannelEvent; readonly channels: readonly number[] }[] = [];
    let wake: () => void = () => undefined;
    let isCancelled = false;
    const makeUp = (channels: readonly number[]): void => {
      const points = new Set(channels.map(channelPoint));
      const newChans = channels.filter((it) => !known.has(channelPoint(it))).map(reported);
      const closedChans = [...known].filter((point) => !points.has(point));
      known = points;
      queue.push({ event: { newChans, closedChans }, channels });
      wake();
    };
    const stopListening = await askNode(this.#world, "subscription", signal, () => {
      if (node.glitch === "text")
        throw new ScbError("node-unavailable", "simulated: it is starting");
      // A node that is wiped under its program can't be told from one that closed all.
      if (node.glitch === "empty" && this.#hasSubscribed) {
        throw new ScbError("node-unavailable", "simulated: its database is gone");
      }
      this.#hasSubscribed = true;
      const channels = visible(node);
      makeUp(node.glitch === null ? channels : [...new Set([...this.heard, ...channels])]);
      return node.listen(() =>
        after(latencyMs(), () => {
          if (isCancelled) return;
          // Its news come in order, so what it hears is how the node is by then.
          deliver("hears of its channels", () => {
            if (node.glitch !== null || node.isAway) return;
            makeUp(node.channels);
            this.#onNews();
          });
        }),
      );
    });
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    const take = (channels: readonly number[]): void => {
      this.heard = channels;
    };
    async function* chanUpdates(): AsyncGenerator<ChannelEvent, void> {
      while (!isCancelled) {
        const next = queue.shift();
        if (next !== undefined) {
          take(next.channels);
          yield next.event;
          continue;
        }
        await Promise.race([
          cancelled,
          new Promise<void>((onNews) => {
            wake = onNews;
          }),
        ]);
      }
    }
    return {
      chanUpdates: chanUpdates(),
      cancel: () => {
        isCancelled = true;
        stopListening();
        resolve();
      },
    };
  }
}

/** A node that was wiped has only what was opened since. */
function visible({ glitch, channels }: SimulatedNode): readonly number[] {
  return glitch === "empty" ? channels.slice(-1) : channels;
}

const anyChannel = channel(1);

function reported(number: number): typeof anyChannel {
  return { ...anyChannel, fundingOutpoint: parseOutPoint(channelPoint(number)) };
}
