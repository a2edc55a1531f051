import { settingGroups } from "../../app/settings/table.ts";
import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const status = defineCommand({
  name: "status",
  description: "Is this node safe? Reads back what the store holds, and compares it with the node",
  settings: [
    ...settingGroups.store,
    ...settingGroups.source,
    ...settingGroups.key,
    "max-age",
    "max-silence",
    "timeout",
  ],
  options: { all: toggle("check every node in the stores; --timeout is for each of them") },
  doing: "reading the stores",
  examples: [
    "status --to s3://my-bucket/lightning",
    "status --to s3://my-bucket/lightning --from lnd",
    "status --to s3://my-bucket/lightning --key-file ~/backup.key",
    "status --to file:///mnt/usb/scb --node alice --json",
    "status --to s3://my-bucket/lightning --all",
  ],
  exitCodes: {
    3: "the node isn't safe, or that isn't known",
  },
  action: async (context) => (await import("../status.ts")).statusAction(context),
});
