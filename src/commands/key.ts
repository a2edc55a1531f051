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
  // First: nobody shall be asked for a passphrase in vain.
  const target =
    output === undefined || output === "-"
      ? null
      : await checkOutputTarget(output, { force, links: "none" });
  const key = await requireBackupKey(
    context,
    "no key is given, neither 24 words nor an extended private key",
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
  else terminal.line(`${target.path}: the backup key; it reads backups and spends nothing`);
  return exitCodes.done;
};
