import { settingGroups } from "../../app/settings/table.ts";
import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const run = defineCommand({
  name: "run",
  description: "Mirrors the node's backups to the store until stopped",
  settings: [
    ...settingGroups.store,
    ...settingGroups.source,
    ...settingGroups.key,
    "single-writer",
    "refresh-interval",
    "look-interval",
    "min-interval",
    "shutdown-timeout",
    "drill-interval",
    "attest-interval",
    ...settingGroups.alerts,
    "timeout",
    "listen",
    "listen-host",
    "demo-interval",
  ],
  options: {
    once: toggle("take one snapshot, save it unless the store already has this state, and exit"),
    "accept-empty": toggle("let an empty backup replace one that isn't empty, for this run"),
    json: toggle("print one JSON document a line for each event"),
  },
  doing: "starting",
  examples: [
    "run --to s3://my-bucket/lightning",
    "run --to 's3://my-bucket?endpoint=https://minio.example:9000' --macaroonpath ~/scb.macaroon",
    "run --from file:/home/bitcoin/.lnd/data/chain/bitcoin/mainnet/channel.backup --node alice --to file:///mnt/usb/scb",
    "run --to s3://my-bucket/lightning --listen 9847",
    "run --from demo --to file:///tmp/scb --once --json",
  ],
  exitCodes: {
    4: "refused, to protect data: the store lies, its pointer was deleted, it is another node's, or with --once a guard held the backup back",
  },
  action: async (context) => (await import("../run.ts")).runAction(context),
});
