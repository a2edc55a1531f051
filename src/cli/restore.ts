import { fetchBackup, restoreCommand, writeBackupFile } from "../recovery/restore.ts";
import { ScbError } from "../runtime/error.ts";
import { type Action, textFlag } from "./action.ts";
import { encrypterFor, openBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatAge, formatSize } from "./terminal.ts";

export const restoreAction: Action = async (context, [which = "latest"]) => {
  const { settings, terminal, clock, signal, json, flags } = context;
  const output = textFlag(context, "output") ?? "channel.backup";
  const toStdout = output === "-";
  if (toStdout && json) {
    throw new ScbError("usage", "-o - and --json both need stdout: choose one of them");
  }
  const key = await openBackupKey(context);
  const backup = await withNodeStore(context, async (nodeStore) => {
    const encrypter = await encrypterFor(nodeStore, key, signal);
    return fetchBackup({ store: nodeStore.store, which, encrypter, signal });
  });
  const ageSeconds = Math.max(0, Math.floor((clock.now() - backup.committedAt) / 1000));
  if (toStdout) {
    await terminal.bytes(backup.packed);
    return exitCodes.done;
  }
  const file = await writeBackupFile(output, backup.packed, { force: flags["force"] === true });
  const next = restoreCommand(file, settings.network ?? null);
  if (json) {
    const { sequence, sha256, verified, channels } = backup;
    const sizeBytes = backup.packed.length;
    terminal.json({
      file,
      key: backup.key,
      sequence,
      sha256,
      sizeBytes,
      verified,
      channels,
      ageSeconds,
      next,
    });
    return exitCodes.done;
  }
  const hash = backup.verified.hash
    ? "size and hash are right"
    : terminal.style("yellow", "its hash was never recorded, so it could not be compared");
  const decrypted = backup.verified.decrypted
    ? "it decrypts with your key"
    : "not decrypted (give --key-file to do so)";
  const channels = backup.channels === null ? "" : `, ${backup.channels} channels`;
  terminal.line(
    `${file}: sequence ${backup.sequence}, ${formatSize(backup.packed.length)}${channels}`,
  );
  terminal.line(`  saved ${formatAge(ageSeconds)} ago; ${hash}; ${decrypted}`);
  terminal.line("");
  terminal.line(
    "To ask the peers to close the channels and pay you out, on a NEW node made from the same seed:",
  );
  terminal.line(`  ${terminal.style("bold", next)}`);
  terminal.line(
    "Never start the old node's database again after that, and never restore into a node that still runs.",
  );
  return exitCodes.done;
};
