import { settingGroups } from "../../app/settings/table.ts";
import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const copy = defineCommand({
  name: "copy",
  summary: "Copies a node's history to another store: shows a plan, applies it with --apply",
  description:
    "Copies a node's history from one store to another. Shows a plan, and applies it with --apply. " +
    "Each version's hash is checked before the copy, and its bytes are compared afterwards. copy only " +
    "adds: what the other store has stays, and its pointer moves last, if the history continues from " +
    "it. If copy is interrupted, the same command continues where it stopped; run it again to catch " +
    "up.",
  settings: ["from-store", ...settingGroups.store],
  options: { apply: toggle("copy what the plan says") },
  doing: "reading both stores",
  examples: [
    "copy --from-store s3://my-bucket/lightning --to file:///mnt/usb/scb/store",
    "copy --from-store s3://my-bucket/lightning --to 's3://second/lightning?endpoint=https://s3.example' --apply",
  ],
  exitCodes: {
    3: "a version is damaged or differs (it is named, and the others are copied), or a person has to decide about the pointer",
    4: "the other store is ahead, or has another history or another node's: nothing was changed",
  },
  action: async (context) => (await import("../copy.ts")).copyAction(context),
});
