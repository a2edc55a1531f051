import type { Single } from "../chanbackup/single.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { type BackupDiff, diffBackups } from "../recovery/diff.ts";
import { unpackEither } from "../recovery/inspect.ts";
import { explainingEncrypter } from "../repository/wrong-key.ts";
import type { Action } from "./action.ts";
import { type NamedBackup, readBackupArgument } from "./backup-argument.ts";
import { requireBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export const diffAction: Action<{ readonly a: string; readonly b: string }> = async (context) => {
  const { terminal, json, options } = context;
  const key = await requireBackupKey(
    context,
    "comparing two backups needs a key, because equal channels are encrypted differently each time",
  );
  const before = await readBackupArgument(context, options.a);
  const after = await readBackupArgument(context, options.b);
  const diff = diffBackups(singlesOf(before, key), singlesOf(after, key));
  const isOfSeveral = before.store !== null || after.store !== null;
  if (json) {
    terminal.json(isOfSeveral ? { ...diff, stores: [before.store, after.store] } : diff);
  } else {
    if (isOfSeveral) terminal.line(`from ${before.name} to ${after.name}`);
    printDiff(diff, terminal);
  }
  const differs = diff.added.length + diff.removed.length + diff.changed.length > 0;
  return differs ? exitCodes.problemFound : exitCodes.done;
};

function singlesOf({ packed, nodePubkey }: NamedBackup, key: LoadedKey): readonly Single[] {
  return unpackEither(packed, explainingEncrypter(key, nodePubkey)).singles;
}

function printDiff(diff: BackupDiff, terminal: Terminal): void {
  for (const point of diff.added) terminal.line(terminal.style("green", `+ ${point}`));
  for (const point of diff.removed) terminal.line(terminal.style("red", `- ${point}`));
  for (const { fundingOutpoint, fields } of diff.changed) {
    terminal.line(terminal.style("yellow", `~ ${fundingOutpoint}: ${fields.join(", ")}`));
  }
  if (diff.added.length + diff.removed.length + diff.changed.length === 0) {
    terminal.line("no difference: the same channels with the same data");
  }
}
