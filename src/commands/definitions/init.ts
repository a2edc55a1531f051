import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";
import { initSettings } from "../init/init-settings.ts";

const secretFile = (what: string) =>
  text({ placeholder: "path", help: `a file that holds ${what}` });

export const init = defineCommand({
  name: "init",
  summary: "Asks for node and store, tries them, and writes a configuration file",
  description:
    "Asks at the terminal which node to mirror and where to, tries both as doctor does, says which " +
    "macaroon to bake and what the store's credential has to be allowed, and writes a YAML file for " +
    "--config, mode 0600. A flag answers its question; with --yes nothing is asked. A secret is kept in " +
    "a file of its own beside it.",
  settings: initSettings,
  makesConfig: true,
  options: {
    "lndconnect-file": secretFile("an lndconnect:// URI"),
    "notify-file": secretFile("the URLs of --notify"),
    "heartbeat-file": secretFile("the URL of --heartbeat"),
    output: text({
      placeholder: "file",
      short: "o",
      help: "where to write it",
      default: "scb-mirror.yaml",
    }),
    force: toggle("overwrite a file that is there"),
    yes: toggle("ask nothing: take the flags, and defaults for the rest"),
  },
  examples: [
    "init",
    "init -o /etc/scb-mirror/config.yaml",
    "init --yes --from lnd --macaroonpath ~/scb-mirror.macaroon --to s3://my-bucket/lightning",
    "init --yes --lndconnect-file lndconnect.txt --to 's3://my-bucket?endpoint=https://minio.example:9000' --to file:///mnt/usb/scb/store",
  ],
  exitCodes: {
    3: "the file is written, and doctor found a problem",
    4: "a file is there already",
  },
  action: async (context) => (await import("../init.ts")).initAction(context),
});
