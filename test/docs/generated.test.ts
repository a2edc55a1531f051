import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findingsPage } from "../../scripts/findings-doc.ts";
import { committedText, type GeneratedPage } from "../../scripts/generated-page.ts";
import { referencePages } from "../../scripts/reference-docs.ts";
import { storesPage } from "../../scripts/stores-doc.ts";
import { environmentName } from "../../src/app/settings/environment.ts";
import { settingNames } from "../../src/app/settings/table.ts";
import { findingKinds } from "../../src/checks/finding.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { jsonDocuments } from "../../src/commands/json/documents.ts";
import { errorCodes } from "../../src/runtime/error.ts";
import { metricTable } from "../../src/watched/metric-table.ts";

const pages: readonly GeneratedPage[] = [findingsPage, storesPage, ...referencePages];

describe("the pages that are made from the code", () => {
  for (const page of pages) {
    it(`${page.path} isn't stale: else npm run ${page.script}`, () => {
      const committed = committedText(page);
      assert.equal(committed, page.make(committed));
    });
  }

  const complete: readonly (readonly [string, readonly string[]])[] = [
    ["docs/findings.md", Object.keys(findingKinds).map((code) => `| \`${code}\` |`)],
    ["docs/reference/commands.md", definitions.map(({ name }) => `\n## ${name}\n`)],
    ["docs/reference/settings.md", settingNames.map((name) => `\`${environmentName(name)}\``)],
    ["docs/reference/exit-codes.md", errorCodes.map((code) => `| \`${code}\` |`)],
    ["docs/reference/json.md", definitions.map(({ name }) => `\n### ${name}\n`)],
    ["docs/reference/metrics.md", Object.keys(metricTable).map((name) => `| \`${name}\` |`)],
  ];
  for (const [path, parts] of complete) {
    it(`${path} leaves nothing out`, () => {
      const page = pages.find((one) => one.path === path);
      assert.ok(page);
      for (const part of parts) assert.ok(committedText(page).includes(part), part);
    });
  }

  it("each command that prints one document has a schema for it", () => {
    const printing = definitions
      .map(({ name }) => name)
      .filter((name) => !/^(run|watch)$/.test(name));
    assert.deepEqual(Object.keys(jsonDocuments).sort(), printing.sort());
  });
});
