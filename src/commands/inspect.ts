import { singleVersions } from "../chanbackup/single.ts";
import {
  type InspectedBackup,
  inspectBackup,
  inspectSealed,
  type SealedBackup,
} from "../recovery/inspect.ts";
import { explainingEncrypter } from "../repository/wrong-key.ts";
import type { Action } from "./action.ts";
import { readBackupArgument } from "./backup-argument.ts";
import { openBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import { escaped, formatAge, formatSize, type Terminal, table } from "./terminal.ts";

interface InspectCommandOptions {
  readonly backup: string;
  readonly "with-close-tx": boolean;
}

export const inspectAction: Action<InspectCommandOptions> = async (context) => {
  const { terminal, json, options, clock } = context;
  const key = await openBackupKey(context);
  const { name, store, packed, savedAt, nodePubkey } = await readBackupArgument(
    context,
    options.backup,
  );
  const from = store === null ? {} : { store };
  const age = `${formatAge(Math.max(0, clock.now() - savedAt) / 1000)} old`;
  if (key === null) {
    const sealed = inspectSealed(packed);
    if (json) terminal.json({ ...sealed, ...from });
    else printSealed(`${name}: ${age}`, sealed, terminal);
    return exitCodes.done;
  }
  const withCloseTx = options["with-close-tx"];
  const backup = inspectBackup(packed, explainingEncrypter(key, nodePubkey), { withCloseTx });
  if (json) terminal.json({ ...backup, ...from });
  else printBackup(`${name}: ${age}, ${formatSize(packed.length)}`, backup, terminal);
  return exitCodes.done;
};

function printSealed(title: string, sealed: SealedBackup, terminal: Terminal): void {
  terminal.line(`${title}, ${formatSize(sealed.sizeBytes)}, sha256 ${sealed.sha256}`);
  terminal.line(
    sealed.empty
      ? "  an empty Multi: no channels"
      : `  encrypted; judging by its size, it holds at most ${sealed.mostChannels} channels (give --key-file to see them)`,
  );
}

const versionNames = new Map(
  Object.entries(singleVersions).map(([name, version]) => [version as number, name]),
);

function printBackup(title: string, backup: InspectedBackup, terminal: Terminal): void {
  const { channels } = backup;
  const totalSat = channels.reduce((sum, { capacitySat }) => sum + capacitySat, 0);
  terminal.line(
    `${title}, a ${backup.kind} of ${channels.length} channels, ${totalSat} sat of capacity`,
  );
  const rows = channels.map((channel) => [
    channel.fundingOutpoint,
    channel.shortChannelId,
    String(channel.capacitySat),
    versionNames.get(channel.version) ?? String(channel.version),
    channel.isInitiator ? "us" : "peer",
    channel.closeTxInputs.present ? "yes" : "no",
    channel.remoteNodePub,
    channel.addresses.map(escaped).join(" ") || "no address",
  ]);
  if (rows.length === 0) return;
  const header = [
    "CHANNEL POINT",
    "SHORT ID",
    "SAT",
    "TYPE",
    "OPENED BY",
    "CLOSE TX",
    "PEER",
    "ADDRESSES",
  ];
  for (const line of table([header, ...rows])) terminal.line(line);
  const withCloseTx = channels.filter((channel) => channel.closeTxInputs.commitTx !== undefined);
  for (const { fundingOutpoint, closeTxInputs } of withCloseTx) {
    terminal.line(`${fundingOutpoint} commitTx ${closeTxInputs.commitTx}`);
    terminal.line(`${fundingOutpoint} commitSig ${closeTxInputs.commitSig}`);
  }
}
