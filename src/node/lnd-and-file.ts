import type { InspectBackup } from "../chanbackup/backup-contents.ts";
import { covers } from "../chanbackup/channel-points.ts";
import type {
  NodeIdentity,
  NodeWitness,
  Snapshot,
  SnapshotReason,
  SnapshotSource,
  SourceObserver,
} from "../chanbackup/snapshot.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { type ErrorCode, hasCode, ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { BackupFileSource, type BackupFileTiming } from "./backup-file.ts";
import { noticed } from "./due-reason.ts";
import type { LndNode } from "./lnd/lnd-node.ts";
import { LndSource, type LndSourceTiming } from "./lnd/lnd-source.ts";
import { SharedObserver } from "./shared-observer.ts";

export interface LndAndFileOptions extends LndSourceTiming, BackupFileTiming {
  /** Owned by the source from here on: `close` closes it. */
  readonly node: LndNode;
  /** Of this lnd's `channel.backup`. */
  readonly path: string;
  /** Opens the file with a key. Default: lnd opens it. */
  readonly inspect?: InspectBackup | undefined;
  readonly observer: SourceObserver;
  readonly clock: Clock;
  readonly random: Random;
  /** How long lnd gets to rewrite a file that lacks what it exports. Default 500 ms. */
  readonly rewriteWaitMs?: number;
}

/** A snapshot whose channels are known. */
type Opened = Snapshot & { readonly channelPoints: readonly string[] };

// How often a file that lnd is rewriting is looked at.
const rewritePollMs = 100;

/** After these nobody can say whether the file is this node's, or a person has to decide. */
const hopelessCodes: readonly ErrorCode[] = ["aborted", "internal", "usage", "wrong-node"];

/** lnd does not answer, or not us: then it cannot open the file for us either. */
const awayCodes: readonly ErrorCode[] = [
  "node-unavailable",
  "node-untrusted",
  "node-denied",
  "node-locked",
  "node-syncing",
  "io",
];

/**
 * A running lnd and its `channel.backup` together. Either of them says when a snapshot is due, and
 * the better of the two is the snapshot.
 *
 * Neither is always the better one. The export drops a channel that this node has force closed while
 * its funds still wait to be swept; the file keeps it. The file drops a channel that was closed
 * cooperatively at the first confirmation; the export keeps it for a while. And the file lags by the
 * milliseconds in which lnd rewrites it (lnd `chanbackup.SubSwapper`). So:
 *
 * 1. The file has all that the export has: the file. What it has more still needs sweeping, or has
 *    just opened.
 * 2. Else lnd gets a moment to rewrite the file, and rule 1 is tried again.
 * 3. The export has all that the file has: the export.
 * 4. Each lacks something: the file, if it has every channel that is open or about to be, for then it
 *    lacks only what is closed and settled. Else the file is behind: the export.
 *
 * A file that cannot be read, or that is not this node's, is trouble and is never followed: the
 * mirror goes on with the export. While lnd is away its file is still its backup, and may hold what
 * lnd wrote as it stopped: then it is mirrored alone, opened with the key if there is one. But a file
 * that was not good enough while lnd was there doesn't become so when lnd goes.
 */
export class LndAndFileSource implements SnapshotSource {
  readonly description: string;
  readonly witness: NodeWitness;
  readonly #options: LndAndFileOptions;
  readonly #lnd: LndSource;
  readonly #file: BackupFileSource;
  readonly #content: SourceObserver;
  /** The sha256 of the file to which the export was preferred when both were last seen. */
  #passedOver: string | null = null;

  constructor(options: LndAndFileOptions) {
    const shared = new SharedObserver(options.observer);
    this.#options = options;
    this.#lnd = new LndSource({ ...options, observer: shared.part() });
    // It is opened here, where it is known whether lnd can do that now.
    this.#file = new BackupFileSource({
      ...options,
      inspect: undefined,
      observer: shared.part(),
    });
    this.#content = shared.part();
    this.witness = this.#lnd.witness;
    this.description = `${this.#lnd.description} and ${this.#file.description}`;
  }

  identify(signal?: AbortSignal): Promise<NodeIdentity> {
    return this.#lnd.identify(signal);
  }

  /** Throws what `LndSource.snapshot` throws when neither lnd nor the file can be had. */
  async snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot> {
    const [exported, raw] = await Promise.allSettled([
      this.#lnd.snapshot(reason, signal),
      this.#file.snapshot(reason, signal),
    ]);
    throwIfAborted(signal);
    if (exported.status === "rejected") {
      if (hasCode(exported.reason, ...hopelessCodes)) throw exported.reason;
      return this.#fileAlone(raw, ScbError.from(exported.reason), signal);
    }
    const { value } = exported;
    const channelPoints = value.channelPoints ?? [];
    return this.#better({ ...value, channelPoints }, raw, reason, signal);
  }

  changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    return noticed(signal, (due, scope) => {
      const listen = async (source: SnapshotSource): Promise<void> => {
        for await (const reason of source.changes(scope)) due.put(reason);
      };
      return Promise.all([listen(this.#lnd), listen(this.#file)]);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#lnd.close(), this.#file.close()]);
  }

  async #better(
    exported: Opened,
    raw: PromiseSettledResult<Snapshot>,
    reason: SnapshotReason,
    signal: AbortSignal | undefined,
  ): Promise<Snapshot> {
    const { clock, rewriteWaitMs = 500 } = this.#options;
    try {
      let file = await this.#open(orThrow(raw), signal);
      for (let waitedMs = 0; !covers(file.channelPoints, exported.channelPoints); ) {
        if (waitedMs >= rewriteWaitMs) break;
        await clock.sleep(rewritePollMs, signal);
        waitedMs += rewritePollMs;
        const next = await this.#file.snapshot(reason, signal);
        if (!Buffer.from(next.packed).equals(file.packed)) file = await this.#open(next, signal);
      }
      if (covers(file.channelPoints, exported.channelPoints)) {
        this.#passedOver = null;
        this.#content.recovered();
        return withTold(file, exported);
      }
      this.#passedOver = sha256Hex(file.packed);
      const chosen = await this.#ofDiffering(file, exported, signal);
      if (chosen !== exported) this.#passedOver = null;
      this.#content.recovered();
      return chosen;
    } catch (error) {
      this.#tellTrouble(error, signal);
      return exported;
    }
  }

  /** Rules 3 and 4. Throws "io" for a file that lnd has not kept up to date. */
  async #ofDiffering(
    file: Opened,
    exported: Opened,
    signal: AbortSignal | undefined,
  ): Promise<Snapshot> {
    const { node } = this.#options;
    const open = await node.openChannelPoints(signal);
    const held = new Set(file.channelPoints);
    const openNow = new Set(open);
    // A channel that opened after the export may have opened after the file was read, too.
    const lacking = exported.channelPoints.filter(
      (point) => openNow.has(point) && !held.has(point),
    ).length;
    if (lacking > 0) {
      throw new ScbError(
        "io",
        `it lacks ${lacking} of the channels that lnd has open, so lnd doesn't write it: give --backup-file the path of the file that lnd writes`,
      );
    }
    const isLess = covers(exported.channelPoints, file.channelPoints);
    if (isLess || !covers(file.channelPoints, open)) return exported;
    // A channel that the export had, and the file has not, may have closed since the export.
    const { limbo } = await node.closingChannels(signal);
    return { ...withTold(file, exported), limbo };
  }

  async #fileAlone(
    raw: PromiseSettledResult<Snapshot>,
    lndError: ScbError,
    signal: AbortSignal | undefined,
  ): Promise<Snapshot> {
    try {
      const snapshot = orThrow(raw);
      if (sha256Hex(snapshot.packed) === this.#passedOver) {
        throw new ScbError("io", "lnd's last export held more than it does: waiting for lnd");
      }
      const isUnopened = this.#options.inspect === undefined && hasCode(lndError, ...awayCodes);
      const file = isUnopened ? snapshot : await this.#open(snapshot, signal);
      this.#content.recovered();
      return file;
    } catch (error) {
      this.#tellTrouble(error, signal);
      throw lndError;
    }
  }

  async #open(snapshot: Snapshot, signal: AbortSignal | undefined): Promise<Opened> {
    const { inspect, node } = this.#options;
    if (inspect !== undefined) return { ...snapshot, ...(await inspect(snapshot.packed, signal)) };
    const channelPoints = await node.verify(snapshot.packed, signal);
    return { ...snapshot, channelPoints, verifiedBy: "lnd" };
  }

  /** The mirror goes on without the file, but not without a word. */
  #tellTrouble(error: unknown, signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    const known = ScbError.from(error);
    const named = new ScbError(known.code, `${this.#file.description}: ${known.message}`, {
      cause: error,
    });
    this.#content.trouble(named, this.#file.pollIntervalMs);
  }
}

/** lnd vouches for the file, and tells what the file doesn't: what becomes of its channels. */
function withTold(file: Opened, exported: Opened): Opened {
  const { limbo, takenAt } = exported;
  const held = new Set(file.channelPoints);
  const bareChannelPoints =
    file.bareChannelPoints ?? exported.bareChannelPoints?.filter((point) => held.has(point));
  return { ...file, limbo, takenAt, bareChannelPoints: bareChannelPoints ?? null };
}

function orThrow<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
