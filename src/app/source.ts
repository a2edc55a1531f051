import { type InspectBackup, inspectWith } from "../chanbackup/backup-contents.ts";
import { type PackedMulti, unpackMulti } from "../chanbackup/packed-multi.ts";
import type { SnapshotSource, SourceObserver } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { BackupFileSource } from "../node/backup-file.ts";
import { explainingEncrypter, isNodePubkey } from "../repository/wrong-key.ts";
import type { Clock } from "../runtime/clock.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import { percentDecoded } from "../runtime/percent-decoded.ts";
import type { Random } from "../runtime/random.ts";
import { openKey } from "./key.ts";
import { openLnd } from "./open-lnd.ts";
import type { Settings } from "./settings.ts";

export interface SourceOptions {
  readonly settings: Settings;
  readonly observer: SourceObserver;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What opens backups; null for nothing. Default: the key in `--key-file`. */
  readonly key?: LoadedKey | null;
  /** Asks a person for the seed's passphrase, if there is a terminal to ask at. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}

/** A node to mirror, and what opens its backups. */
export interface MirroredNode {
  readonly source: SnapshotSource;
  /** Null if only the node can open them. */
  readonly inspect: InspectBackup | null;
  readonly encrypter: Encrypter | null;
  /** Gives a node without memory of its own its last backup. */
  remember?(packed: PackedMulti): void;
}

/** Public on purpose: the demo node's channels hold nothing. */
const demoBackupKey = Buffer.from(sha256Hex("scb-mirror demo"), "hex");

/** Opens the node in `--from`, including the demo node. Throws as `openSource` and `openKey`. */
export async function openMirroredNode(options: SourceOptions): Promise<MirroredNode> {
  const { settings, clock, random } = options;
  const key = await openKey(options);
  if (settings.from !== "demo") {
    const source = await openSource({ ...options, key });
    const inspect = key && inspectWithKey(key, settings);
    return { source, inspect, encrypter: key?.encrypter ?? null };
  }
  const { DemoNode } = await import("../node/demo-node.ts");
  const backupKey = key === null ? demoBackupKey : Buffer.from(key.backupKey(), "hex");
  const intervalMs = settings["demo-interval"];
  const source = new DemoNode({ backupKey, intervalMs, clock, random });
  const { encrypter } = source;
  const remember = (packed: PackedMulti): void => source.remember(unpackMulti(packed, encrypter));
  return { source, inspect: inspectWith(encrypter), encrypter, remember };
}

/**
 * Opens the node in `--from`. Throws "usage" if it names none, or if something that it needs is missing.
 * Loads gRPC only for lnd, because it is large.
 */
export async function openSource(options: SourceOptions): Promise<SnapshotSource> {
  const { settings, observer, clock, random } = options;
  const { from = "lnd", "backup-file": backupFile } = settings;
  const key = options.key === undefined ? await openKey(options) : options.key;
  const inspect = key === null ? undefined : inspectWithKey(key, settings);
  if (from.startsWith("file:")) {
    const path = filePath(from);
    if (backupFile !== undefined) {
      throw new ScbError(
        "usage",
        "--backup-file goes only with --from lnd: remove it, or use --from lnd",
      );
    }
    return new BackupFileSource({ path, inspect, observer, clock });
  }
  if (from !== "lnd") {
    throw new ScbError(
      "usage",
      `--from ${JSON.stringify(from)} is not a source: give lnd, file:PATH or demo`,
    );
  }
  const [node, { LndSource }, { LndAndFileSource }] = await Promise.all([
    openLnd(settings),
    import("../node/lnd/lnd-source.ts"),
    import("../node/lnd-and-file.ts"),
  ]);
  const common = { node, observer, clock, random };
  return backupFile === undefined
    ? new LndSource(common)
    : new LndAndFileSource({ ...common, path: backupFile, inspect });
}

/** The path, or file URL, after `file:`. Throws "usage" if it is empty. */
export function filePath(from: string): string {
  const path = from.startsWith("file://")
    ? percentDecoded(from.slice(7), "--from file://")
    : from.slice(5);
  if (path !== "") return path;
  throw new ScbError(
    "usage",
    "--from file: needs a path, as in --from file:/path/to/channel.backup",
  );
}

/**
 * Opens backups with a key. If the folder's name is the node's public key, a wrong key is reported as
 * certainly wrong.
 */
export function inspectWithKey(key: LoadedKey, { node = "" }: Settings): InspectBackup {
  return inspectWith(explainingEncrypter(key, isNodePubkey(node) ? node : null));
}
