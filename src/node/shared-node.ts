import {
  type NodeWitness,
  type SnapshotReason,
  type SnapshotSource,
  weightierReason,
} from "../chanbackup/snapshot.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { SharedAsk } from "../runtime/shared-ask.ts";
import { DueReason } from "./due-reason.ts";

/**
 * Shares one node among several mirrors, and asks it as little as a single mirror would. Simultaneous
 * requests become one. Each answer is newer than its question, so a mirror that reads its store and then
 * asks for a snapshot gets one taken after that read. All mirrors hear each change.
 */
export class SharedNode {
  readonly #source: SnapshotSource;
  readonly #snapshots: SharedAsk<Awaited<ReturnType<SnapshotSource["snapshot"]>>, SnapshotReason>;
  readonly #witness: NodeWitness | null;
  readonly #listeners = new Set<DueReason>();
  #listening: { readonly ended: AbortController; readonly done: Promise<void> } | null = null;

  /** The caller still has to close `source`, once nothing listens any more. */
  constructor(source: SnapshotSource) {
    this.#source = source;
    this.#snapshots = new SharedAsk((reasons, signal) =>
      source.snapshot(reasons.reduce(weightierReason), signal),
    );
    this.#witness = source.witness && sharedWitness(source.witness);
  }

  /** One mirror's view of the node. Closing it closes nothing. */
  view(): SnapshotSource {
    const source = this.#source;
    return {
      description: source.description,
      witness: this.#witness,
      identify: (signal) => source.identify(signal),
      snapshot: (reason, signal) => this.#snapshots.ask(reason, signal),
      changes: (signal) => this.#changes(signal),
      close: async () => undefined,
    };
  }

  async *#changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    const due = new DueReason();
    // A later listener has missed the reason that the source gave at its start.
    if (this.#listening !== null) due.put("start");
    this.#listeners.add(due);
    this.#listening ??= this.#listen();
    try {
      yield* due.drain(signal);
    } finally {
      this.#listeners.delete(due);
      if (this.#listeners.size === 0) await this.#endListening();
    }
  }

  #listen(): { readonly ended: AbortController; readonly done: Promise<void> } {
    const ended = new AbortController();
    const listen = async (): Promise<void> => {
      try {
        for await (const reason of this.#source.changes(ended.signal)) {
          for (const due of this.#listeners) due.put(reason);
        }
      } catch (error) {
        if (!ended.signal.aborted) for (const due of this.#listeners) due.fail(error);
      }
    };
    return { ended, done: listen() };
  }

  async #endListening(): Promise<void> {
    const listening = this.#listening;
    this.#listening = null;
    listening?.ended.abort();
    await listening?.done;
  }
}

function sharedWitness(witness: NodeWitness): NodeWitness {
  const shared = <T>(ask: (signal: AbortSignal) => Promise<T>) => {
    const asks = new SharedAsk((_, signal) => ask(signal));
    return (signal?: AbortSignal): Promise<T> => asks.ask(undefined, signal);
  };
  const { openBalances, restoredChannelPoints, survey } = witness;
  const opening = new Map<string, SharedAsk<readonly string[]>>();
  return {
    openChannelPoints: shared((signal) => witness.openChannelPoints(signal)),
    closedChannelPoints: shared((signal) => witness.closedChannelPoints(signal)),
    limboChannels: shared((signal) => witness.limboChannels(signal)),
    ...(openBalances && {
      openBalances: shared((signal) => openBalances.call(witness, signal)),
    }),
    ...(restoredChannelPoints && {
      restoredChannelPoints: shared((signal) => restoredChannelPoints.call(witness, signal)),
    }),
    ...(survey && { survey: shared((signal) => survey.call(witness, signal)) }),
    channelPointsOf: async (packed, signal) => {
      const sha256 = sha256Hex(packed);
      const asks =
        opening.get(sha256) ??
        new SharedAsk((_, ending) => witness.channelPointsOf(packed, ending));
      opening.set(sha256, asks);
      try {
        return await asks.ask(undefined, signal);
      } finally {
        if (opening.get(sha256) === asks) opening.delete(sha256);
      }
    },
  };
}
