import { settingGroups } from "../../app/settings/table.ts";
import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const notify = defineCommand({
  name: "notify",
  summary: "Sends a test message to every --notify and --heartbeat (--test)",
  description:
    "With --test, sends a test message to every --notify and --heartbeat, and says what each answered. " +
    "A heartbeat service gets it as a log entry (POST URL/log), which doesn't count as a ping. A service " +
    "without log entries gets nothing.",
  settings: ["config", "log-level", ...settingGroups.alerts],
  options: { test: toggle("send a test message") },
  doing: "sending test messages",
  examples: [
    "notify --test --notify ntfys://ntfy.sh/my-secret-topic",
    "notify --test --config mirror.yaml --json",
  ],
  exitCodes: {
    1: "a message did not get there",
  },
  action: async (context) => (await import("../notify.ts")).notifyAction(context),
});
