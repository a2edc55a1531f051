import { durationMs } from "../../app/duration.ts";
import { settingGroups } from "../../app/settings/table.ts";
import { count } from "../../app/settings/values.ts";
import { ScbError } from "../../runtime/error.ts";
import { defineCommand } from "../definition.ts";
import type { Since } from "../verify.ts";

export const verify = defineCommand({
  name: "verify",
  summary: "Reads every version back, and checks size, hash, chain and pointer",
  description:
    "Reads every version back, and checks size, hash, chain and pointer. Decrypts each one with " +
    "--key-file, or has the node decrypt it with --from lnd. It vouches only for what it read.",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key],
  options: {
    since: {
      placeholder: "sequence|time",
      help: "only versions from this sequence on, or from the last 12h, 30d, …",
      read: readSince,
    },
    sample: count({ min: 1, help: "only n of them, chosen at random, with the current one" }),
  },
  doing: "reading the stores",
  examples: [
    "verify --to s3://my-bucket/lightning",
    "verify --since 30d --key-file ~/backup.key --to s3://my-bucket/lightning --json",
  ],
  exitCodes: {
    3: "something is wrong, or couldn't be read",
  },
  action: async (context) => (await import("../verify.ts")).verifyAction(context),
});

function readSince(text: string): Since {
  if (/^\d+$/.test(text)) return { sequence: Number(text) };
  const spanMs = durationMs(text);
  if (spanMs !== null) return { spanMs };
  throw new ScbError("usage", "must be a sequence such as 41, or a time such as 30d");
}
