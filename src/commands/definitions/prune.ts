import { settingGroups } from "../../app/settings/table.ts";
import { count, span, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const prune = defineCommand({
  name: "prune",
  summary: "Removes old versions with a retention policy: shows a plan, applies it with --apply",
  description:
    "Removes old versions with a retention policy like restic's forget. Shows a plan, and applies it " +
    "with --apply. A version stays if any rule keeps it. The current version and the one before it " +
    "always stay. So does any version that is newer, that a restore needs for funds in limbo, or that " +
    "doesn't read back intact. Days, weeks and months are in UTC. If a version claims a time in the " +
    "future, only --keep-last works. Apart from versions, prune removes only records in mirrors/ of " +
    "mirrors that have been gone for a week. Use a separate credential that may delete: the mirror " +
    "never needs one.",
  settings: [...settingGroups.store, ...settingGroups.source],
  options: {
    "keep-last": count({ min: 0, help: "the newest n versions" }),
    "keep-daily": count({ min: 0, help: "the newest of each of the last n days that have one" }),
    "keep-weekly": count({ min: 0, help: "the newest of each of the last n weeks that have one" }),
    "keep-monthly": count({
      min: 0,
      help: "the newest of each of the last n months that have one",
    }),
    "keep-within": span({
      help: "all versions from this long before the newest one: 12h, 30d, 8w, 2y",
    }),
    "orphan-grace": span({
      help: "how much older than the pointer a version that never became current must be to go",
      default: "7d",
    }),
    apply: toggle("remove what the plan says"),
  },
  doing: "reading the stores",
  examples: [
    "prune --keep-last 50 --keep-daily 30 --keep-monthly 24 --to s3://my-bucket/lightning",
    "prune --keep-within 90d --apply --to s3://my-bucket/lightning",
  ],
  exitCodes: {
    1: "it failed, or a version could not be removed",
    4: "the history has to be mended first: nothing was removed",
  },
  action: async (context) => (await import("../prune.ts")).pruneAction(context),
});
