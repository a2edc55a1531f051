import { settingGroups } from "../../app/settings/table.ts";
import { defineCommand } from "../definition.ts";

export const doctor = defineCommand({
  name: "doctor",
  description: "Checks whether this store and this node can be used, and says what to do if not",
  settings: [
    ...settingGroups.store,
    ...settingGroups.source,
    ...settingGroups.key,
    "timeout",
    "max-age",
  ],
  options: {},
  doing: "looking",
  examples: [
    "doctor --to s3://my-bucket/lightning --node 02ab…",
    "doctor --from lnd --macaroonpath ~/scb-mirror.macaroon",
    "doctor --to s3://my-bucket/lightning --from lnd --key-file ~/backup.key --json",
  ],
  exitCodes: {
    3: "a check found a problem",
  },
  action: async (context) => (await import("../doctor.ts")).doctorAction(context),
});
