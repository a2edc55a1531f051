import { settingGroups } from "../../app/settings/table.ts";
import { hostAndPort, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const drill = defineCommand({
  name: "drill",
  description: "Rehearses a restore: fetches, decrypts and compares, but restores nothing",
  settings: [...settingGroups.store, ...settingGroups.source, ...settingGroups.key, "max-age"],
  options: {
    dial: toggle("try whether the peers' addresses accept connections"),
    "tor-proxy": hostAndPort({
      placeholder: "host:port",
      help: "with --dial: a SOCKS5 proxy for Tor addresses",
      defaultNote: "--socksproxy",
    }),
  },
  doing: "rehearsing a restore",
  examples: [
    "drill --to s3://my-bucket/lightning --from lnd",
    "drill --to s3://my-bucket/lightning --key-file words.txt",
    "drill --to s3://my-bucket/lightning --from lnd --key-file backup.key --dial --tor-proxy 127.0.0.1:9050",
  ],
  exitCodes: {
    3: "a restore would not work as it should, or that isn't known",
  },
  action: async (context) => (await import("../drill.ts")).drillAction(context),
});
