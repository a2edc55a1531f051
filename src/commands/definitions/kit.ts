import { settingGroups } from "../../app/settings/table.ts";
import { text, toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const kit = defineCommand({
  name: "kit",
  description: "Writes a page to print: where the backups are, and how to get the funds back",
  settings: [...settingGroups.store, ...settingGroups.source],
  options: {
    output: text({
      placeholder: "file",
      short: "o",
      help: 'where to write it; "-" for stdout',
      defaultNote: "recovery-kit.html, or recovery-kit.txt with --text",
    }),
    text: toggle("write plain text instead of HTML"),
    force: toggle("overwrite an existing file"),
    json: toggle("print one JSON document: the page's facts, and the file that it is in"),
  },
  doing: "reading the stores",
  examples: [
    "kit --to s3://my-bucket/lightning",
    "kit --to s3://my-bucket/lightning --node alice --text -o - | lpr",
  ],
  exitCodes: {
    4: "a file is there already",
  },
  action: async (context) => (await import("../kit.ts")).kitAction(context),
});
