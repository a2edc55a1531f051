import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const key = defineCommand({
  name: "key",
  summary: "Prints the backup key, which can read backups but can't spend",
  description:
    "Prints the backup key of a seed or extended key, offline, or of a running lnd (--from lnd). The " +
    "backup key can read backups but can't spend.",
  settings: [...settingGroups.source, ...settingGroups.key],
  options: {
    output: text({
      placeholder: "file",
      short: "o",
      help: "write it to this file, readable only by you, instead of to stdout",
    }),
    force: toggle("overwrite an existing file"),
  },
  doing: "asking for the key",
  examples: [
    "key --key-file words.txt -o backup.key",
    "key --key-file words.txt --passphrase-file pass.txt --network testnet --json",
    "key --from lnd --macaroonpath scb-mirror-key.macaroon -o backup.key",
  ],
  exitCodes: {
    4: "a file is there already",
  },
  action: async (context) => (await import("../key.ts")).keyAction(context),
});
