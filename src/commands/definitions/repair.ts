import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const repair = defineCommand({
  name: "repair",
  summary: "Repairs a pointer that is lost or damaged, or names a missing version",
  description:
    "Repairs a pointer that is lost or damaged, that someone replaced with an older one, or that names " +
    "a missing version. Works out from the versions what the pointer must name, shows it, and writes " +
    "it with --apply. It never guesses between two histories: it shows both, and asks for " +
    "--to-version.",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key],
  options: {
    "to-version": text({
      placeholder: "key",
      help: "the version that the pointer must name, if you have to choose",
    }),
    apply: toggle("write the pointer that the plan shows"),
  },
  doing: "reading the versions that may be current",
  examples: [
    "repair --to s3://my-bucket/lightning",
    "repair --to s3://my-bucket/lightning --key-file ~/backup.key --apply",
  ],
  exitCodes: {
    3: "the pointer is wrong, and --apply would mend it",
    4: "a person has to choose: nothing was changed",
  },
  action: async (context) => (await import("../repair.ts")).repairAction(context),
});
