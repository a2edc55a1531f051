import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const inspect = defineCommand({
  name: "inspect",
  description:
    "Decodes a backup: with a key its channels, peers and addresses, without one its size",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key],
  options: {
    backup: text({
      placeholder: "version|file",
      help: 'a file, or a version: a sequence, a key, or "latest"',
      default: "latest",
      argument: "optional",
    }),
    "with-close-tx": toggle(
      "also show the force close transactions. DANGER: broadcasting one that is out of date can lose " +
        "all the funds of its channel",
    ),
  },
  doing: "fetching the backup",
  examples: [
    "inspect channel.backup --key-file ~/backup.key",
    "inspect latest --to s3://my-bucket/lightning --key-file ~/backup.key --json",
  ],
  action: async (context) => (await import("../inspect.ts")).inspectAction(context),
});
