import { checkOutputTarget, writeOutputFile } from "../recovery/output-file.ts";
import type { Action } from "./action.ts";
import { requireBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";

interface KeyOptions {
  readonly output?: string | undefined;
  readonly force: boolean;
}

export const keyAction: Action<KeyOptions> = async (context) => {
  const { terminal, json, random } = context;
  const { output, force } = context.options;
  // First, so that nobody is asked for a passphrase in vain.
  const target =
    output === undefined || output === "-"
      ? null
      : await checkOutputTarget(output, { force, links: "none" });
  const key = await requireBackupKey(
    context,
    "there is no seed or extended private key to derive the backup key from",
  );
  const { network } = key;
  const backupKey = key.backupKey();
  if (target === null) {
    if (json) terminal.json({ backupKey, network });
    else terminal.line(backupKey);
    return exitCodes.done;
  }
  const bytes = new TextEncoder().encode(`${backupKey}\n`);
  await writeOutputFile(target, bytes, { mode: 0o600, random });
  if (json) terminal.json({ file: target.path, network });
  else terminal.line(`${target.path}: the backup key, which can read backups but can't spend`);
  return exitCodes.done;
};
