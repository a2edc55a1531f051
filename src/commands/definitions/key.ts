import { settingGroups } from "../../app/settings/table.ts";
import { defineCommand } from "../definition.ts";

export const key = defineCommand({
  name: "key",
  summary: "Prints the key that reads backups and spends nothing",
  description:
    "Prints the backup key of a seed or extended key, offline, or of a running lnd (--from lnd). It " +
    "reads backups and spends nothing.",
  settings: [...settingGroups.source, ...settingGroups.key],
  options: {},
  examples: [
    "key --key-file words.txt > backup.key",
    "key --key-file words.txt --passphrase-file pass.txt --network testnet --json",
    "key --from lnd --macaroonpath scb-mirror-key.macaroon > backup.key",
  ],
  action: async (context) => (await import("../key.ts")).keyAction(context),
});
