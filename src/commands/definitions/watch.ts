import { settingGroups } from "../../app/settings/table.ts";
import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const watch = defineCommand({
  name: "watch",
  description:
    "Checks the backups of every node in the stores again and again, and reports when one isn't safe. Run it on another machine than the mirrors, with a credential that can only read",
  summary: "Checks every node's backups again and again, and reports when one isn't safe",
  settings: [
    ...settingGroups.store,
    "interval",
    "max-age",
    "max-silence",
    ...settingGroups.alerts,
    "listen",
    "listen-host",
    "timeout",
  ],
  options: { json: toggle("print one JSON document a line for each change") },
  doing: "looking at every node",
  examples: [
    "watch --to s3://my-bucket/lightning --notify ntfys://ntfy.sh/my-topic",
    "watch --to s3://my-bucket/lightning --node alice --heartbeat https://hc-ping.com/my-uuid",
    "watch --to s3://my-bucket/lightning --to file:///mnt/usb/scb --listen 9847 --json",
  ],
  action: async (context) => (await import("../watch.ts")).watchAction(context),
});
