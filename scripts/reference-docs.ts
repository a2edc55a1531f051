/** Writes the pages of `docs/reference/`: `npm run generate:reference`. */
import { type GeneratedPage, writePages } from "./generated-page.ts";
import { commandsPage } from "./reference/commands.ts";
import { exitCodesPage } from "./reference/exit-codes.ts";
import { jsonPage } from "./reference/json.ts";
import { metricsPage } from "./reference/metrics.ts";
import { settingsPage } from "./reference/settings.ts";

const texts = {
  commands: commandsPage,
  settings: settingsPage,
  "exit-codes": exitCodesPage,
  json: jsonPage,
  metrics: metricsPage,
};

export const referencePages: readonly GeneratedPage[] = Object.entries(texts).map(
  ([name, make]) => ({ path: `docs/reference/${name}.md`, script: "generate:reference", make }),
);

if (import.meta.main) writePages(referencePages);
