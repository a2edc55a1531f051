import type { BackupFileSource } from "../../node/backup-file.ts";
import type { LndConfig } from "../../node/lnd/lnd-config.ts";
import type { LndNode } from "../../node/lnd/lnd-node.ts";
import type { LndSource } from "../../node/lnd/lnd-source.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import { type Checkup, good, unknown, warning } from "./checkup.ts";

/** lnd's stream is silent while nothing happens, so only a refusal shows anything; it comes at once. */
const streamRefusalMs = 1_000;

export interface NodeExamination {
  readonly config: LndConfig;
  readonly node: LndNode;
  /** Of the same node. */
  readonly source: LndSource;
  readonly clock: Clock;
}

/**
 * Does lnd answer, on which network, with its wallet unlocked, and does it allow each of scb-mirror's
 * calls? Resolves to its public key, or null if it doesn't answer.
 */
export async function examineLnd(
  checkup: Checkup,
  { config, node, source, clock }: NodeExamination,
): Promise<string | null> {
  const info = await checkup.run(
    "node-reach",
    async (signal) => {
      const connection = await node.connection(signal);
      return connection.call("GetInfo", (client, options) => client.getInfo({}, options), signal);
    },
    ({ version, identityPubkey }) =>
      good(`${node.description} answers: version ${version.split(" ")[0]}, node ${identityPubkey}`),
  );
  if (info instanceof ScbError) return null;
  const network = info.chains[0]?.network ?? "unknown";
  checkup.add(
    "node-network",
    config.network === null ? "unknown" : "good",
    config.network === null
      ? `it is on ${network}; set --network, so that a node on another network is refused`
      : `it is on ${network}, as --network says`,
  );
  checkup.add(
    "node-wallet",
    info.syncedToChain ? "good" : "warning",
    info.syncedToChain
      ? "its wallet is unlocked, and it is synced to the chain"
      : "its wallet is unlocked, but it isn't synced to the chain: backups are still saved; check its bitcoin node",
  );
  await checkup.run(
    "node-backup",
    (signal) => source.snapshot("start", signal),
    ({ packed, channelPoints }) =>
      good(
        `it exports a backup of ${channelPoints?.length ?? 0} channels (${packed.length} bytes), and can open it`,
      ),
  );
  await checkup.run(
    "node-channels",
    async (signal) => {
      await source.witness.closedChannelPoints(signal);
      return source.witness.openChannelPoints(signal);
    },
    (open) => good(`it lists its channels: ${open.length} open or opening`),
  );
  await examineStream(checkup, node, clock);
  return info.identityPubkey;
}

async function examineStream(checkup: Checkup, node: LndNode, clock: Clock): Promise<void> {
  await checkup.run(
    "node-events",
    async (signal) => {
      const connection = await node.connection(signal);
      const enough = new AbortController();
      const listening = AbortSignal.any([signal, enough.signal]);
      const waiting = clock.sleep(streamRefusalMs, listening).then(
        () => enough.abort(),
        () => undefined,
      );
      try {
        for await (const _ of connection.channelBackups(listening)) return true;
        return false;
      } catch (error) {
        if (enough.signal.aborted) return true;
        throw error;
      } finally {
        enough.abort();
        await waiting;
      }
    },
    (isOpen) =>
      isOpen
        ? good("it sends an event for each channel that opens or closes")
        : warning("it ended the stream of channel events at once: is it shutting down?"),
  );
}

/** Is the file there, is it a backup, and does a new one show up here when lnd replaces it? */
export async function examineFile(checkup: Checkup, source: BackupFileSource): Promise<void> {
  const file = await checkup.run(
    "node-file",
    (signal) => source.snapshot("start", signal),
    ({ packed, channelPoints, takenAt }) => {
      const found = `${source.description} exists (${packed.length} bytes, written ${new Date(takenAt).toISOString()})`;
      return channelPoints === null
        ? unknown(
            `${found}; its contents can't be checked without a key (--key-file) or the node (--from lnd with --backup-file)`,
          )
        : good(`${found}, and can be opened: ${channelPoints.length} channels`);
    },
  );
  if (file instanceof ScbError || !(await source.isMountPoint())) return;
  checkup.add(
    "node-file-mount",
    "warning",
    `${source.description} is itself a mount point, so it keeps showing the old file when lnd replaces it: mount its folder, not the file`,
  );
}
