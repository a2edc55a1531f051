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
  /** Owned by the source from now on: `close` closes it. */
  readonly node: LndNode;
  /** The path of this lnd's `channel.backup`. */
  readonly path: string;
  /** Opens the file with a key. Default: lnd opens it. */
  readonly inspect?: InspectBackup | undefined;
  readonly observer: SourceObserver;
  readonly clock: Clock;
  readonly random: Random;
  /** How long lnd may take to rewrite a file that lacks what it exports. Default 500 ms. */
  readonly rewriteWaitMs?: number;
}

/** A snapshot with known channels. */
type Opened = Snapshot & { readonly channelPoints: readonly string[] };

// How often to check a file that lnd is rewriting.
const rewritePollMs = 100;

/** After these errors, the file can't be proved to be this node's, or a person has to decide. */
const hopelessCodes: readonly ErrorCode[] = ["aborted", "internal", "usage", "wrong-node"];

/** lnd doesn't answer, or not to us, so it can't open the file for us either. */
const awayCodes: readonly ErrorCode[] = [
  "node-unavailable",
  "node-untrusted",
  "node-denied",
  "node-locked",
  "node-syncing",
  "io",
];

/**
 * A running lnd and its `channel.backup` together. Either can make a snapshot due, and the better of the
 * two becomes the snapshot.
 *
 * Neither is always the better one. The export drops a channel that this node has force closed while its
 * funds still wait to be swept; the file keeps it. The file drops a cooperatively closed channel at the
 * first confirmation; the export keeps it for a while. And the file lags by the milliseconds that lnd
 * takes to rewrite it (lnd `chanbackup.SubSwapper`). So:
 *
 * 1. If the file has all that the export has, take the file. Its other channels still need sweeping, or
 * have just opened.
 * 2. Otherwise give lnd a moment to rewrite the file, and try rule 1 again.
 * 3. If the export has all that the file has, take the export.
 * 4. Otherwise each lacks something. If the file has every channel that is open or about to be, take the
 * file, because it lacks only closed and settled channels. If not, the file is behind: take the export.
 *
 * A file that can't be read or isn't this node's is reported as trouble and never used; the mirror
 * continues with the export. While lnd is away, its file is still its backup, and may hold what lnd wrote
 * as it stopped. Then the file is mirrored alone, and opened with the key if there is one. But a file
 * that the export was preferred to while lnd was there isn't used when lnd goes away.
 */
export class LndAndFileSource implements SnapshotSource {
  readonly description: string;
  readonly witness: NodeWitness;
  readonly #options: LndAndFileOptions;
  readonly #lnd: LndSource;
  readonly #file: BackupFileSource;
  readonly #content: SourceObserver;
  /** The SHA-256 of the file that was passed over for the export when both were last seen. */
  #passedOver: string | null = null;

  constructor(options: LndAndFileOptions) {
    const shared = new SharedObserver(options.observer);
    this.#options = options;
    this.#lnd = new LndSource({ ...options, observer: shared.part() });
    // The file is opened by this class, which knows whether lnd can do that now.
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

  /** Throws what `LndSource.snapshot` throws if neither lnd nor the file is available. */
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

  /** Rules 3 and 4. Throws "io" if lnd hasn't kept the file up to date. */
  async #ofDiffering(
    file: Opened,
    exported: Opened,
    signal: AbortSignal | undefined,
  ): Promise<Snapshot> {
    const { node } = this.#options;
    const open = await node.openChannelPoints(signal);
    const held = new Set(file.channelPoints);
    const openNow = new Set(open);
    // A channel that opened after the export may also have opened after the file was read.
    const lacking = exported.channelPoints.filter(
      (point) => openNow.has(point) && !held.has(point),
    ).length;
    if (lacking > 0) {
      throw new ScbError(
        "io",
        `it lacks ${lacking} of the channels that lnd has open, so lnd isn't writing this file: give --backup-file the path of the file that lnd writes`,
      );
    }
    const isLess = covers(exported.channelPoints, file.channelPoints);
    if (isLess || !covers(file.channelPoints, open)) return exported;
    // A channel in the export but not in the file may have closed since the export.
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
        throw new ScbError("io", "it holds less than lnd's last export: waiting for lnd");
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

  /** The mirror continues without the file, but reports it. */
  #tellTrouble(error: unknown, signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    const known = ScbError.from(error);
    const named = new ScbError(known.code, `${this.#file.description}: ${known.message}`, {
      cause: error,
    });
    this.#content.trouble(named, this.#file.pollIntervalMs);
  }
}

/** Adds to a file that lnd verified what only lnd can tell: what becomes of its channels. */
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
