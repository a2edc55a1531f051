import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";
import { parseMoment } from "../moment.ts";

export const restore = defineCommand({
  name: "restore",
  summary: "Fetches a backup and checks it, for lncli restorechanbackup or a new lnd",
  description:
    "Fetches a backup, checks it, and writes it to a file for lncli restorechanbackup, or restores it " +
    "into a new lnd. Does the same with each older version that a restore also needs, because only " +
    "those bring back the funds of channels that have closed.",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key],
  options: {
    version: text({
      placeholder: "version",
      help: 'a sequence, a key, or "latest"',
      defaultNote: "latest",
      argument: "optional",
    }),
    at: {
      placeholder: "time",
      help: "the version that was current then: 2026-11-20T12:00Z, or how long ago: 90m, 12h, 3d",
      read: parseMoment,
    },
    output: text({
      placeholder: "file",
      short: "o",
      help: 'where to write it; "-" for stdout',
      default: "channel.backup",
    }),
    force: toggle("overwrite an existing file"),
    "to-lnd": toggle(
      "write no file: restore into the NEW lnd at --rpcserver, --macaroonpath, … (needs " +
        "offchain:write), whose peers then close the channels",
    ),
  },
  doing: "fetching the backup",
  examples: [
    "restore --to s3://my-bucket/lightning",
    "restore 12 --to s3://my-bucket/lightning -o /root/channel.backup",
    "restore --at 12h --to s3://my-bucket/lightning --key-file words.txt",
    "restore --to-lnd --to s3://my-bucket/lightning",
    "restore --to file:///mnt/usb/scb -o - | sha256sum",
  ],
  exitCodes: {
    3: "not everything that is needed was written, or taken by lnd",
    4: "refused, to protect data: a file is there already, say",
  },
  action: async (context) => (await import("../restore.ts")).restoreAction(context),
});
