import type { Action } from "./action.ts";
import { requireBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";

export const keyAction: Action = async (context) => {
  const { terminal, json } = context;
  const key = await requireBackupKey(
    context,
    "no key is given, neither 24 words nor an extended private key",
  );
  const backupKey = key.backupKey();
  if (json) terminal.json({ backupKey, network: key.network });
  else terminal.line(backupKey);
  return exitCodes.done;
};
