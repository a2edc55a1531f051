import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const accept = defineCommand({
  name: "accept",
  summary: "Makes a backup that a guard refused the current one",
  description:
    "Makes a backup that a guard refused the current one, after a restore or any other loss that you " +
    "know about. Shows what it lacks, and asks. The version that it replaces stays in the store.",
  settings: [
    ...settingGroups.store,
    ...settingGroups.source,
    ...settingGroups.key,
    "single-writer",
    "timeout",
  ],
  options: {
    quarantined: text({
      placeholder: "quarantined",
      help: "quarantine/….backup",
      defaultNote: "the newest refused backup",
      argument: "optional",
    }),
    yes: toggle("don't ask"),
  },
  doing: "reading the stores",
  examples: [
    "accept --to s3://my-bucket/lightning --from lnd",
    "accept quarantine/01JD0000000000000000000000.backup --to file:///mnt/usb/scb --yes --json",
  ],
  exitCodes: {
    4: "refused, to protect data, or nobody said yes",
  },
  action: async (context) => (await import("../accept.ts")).acceptAction(context),
});
