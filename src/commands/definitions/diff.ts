import { settingGroups } from "../../app/settings/table.ts";
import { text } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const diff = defineCommand({
  name: "diff",
  description:
    "Shows the channels that were added, removed or changed between two backups. Exit code 3 means " +
    "that there are some",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key],
  options: {
    a: text({
      placeholder: "a",
      help: 'a file, or a version: a sequence, a key, or "latest"',
      argument: "required",
    }),
    b: text({ placeholder: "b", help: "another file or version", argument: "required" }),
  },
  doing: "fetching the backups",
  examples: [
    "diff 11 latest --to s3://my-bucket/lightning --key-file ~/backup.key",
    "diff old.backup channel.backup --key-file ~/backup.key --json",
  ],
  exitCodes: {
    3: "the backups differ",
  },
  action: async (context) => (await import("../diff.ts")).diffAction(context),
});
