import { settingGroups } from "../../app/settings/table.ts";
import { count } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const list = defineCommand({
  name: "list",
  description: "Lists the versions in the store, newest first",
  settings: [...settingGroups.store, ...settingGroups.source],
  options: {
    limit: count({ min: 1, help: "only the newest n", defaultNote: "1000, or all with --json" }),
  },
  doing: "reading the stores",
  examples: ["list --to s3://my-bucket/lightning", "list --to file:///mnt/usb/scb --json"],
  exitCodes: {
    3: "one of several stores couldn't be read",
  },
  action: async (context) => (await import("../list.ts")).listAction(context),
});
