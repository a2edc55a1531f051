import { openKey } from "../daemon/key.ts";
import { ScbError } from "../runtime/error.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";

export const keyAction: Action = async (context) => {
  const { terminal, json, settings } = context;
  const key = await openKey(context);
  if (key === null) {
    throw new ScbError(
      "usage",
      "no key is given: name a file with 24 words or an extended private key with --key-file",
    );
  }
  const network = settings.network ?? "mainnet";
  const backupKey = key.backupKey();
  if (json) terminal.json({ backupKey, network });
  else terminal.line(backupKey);
  return exitCodes.done;
};
