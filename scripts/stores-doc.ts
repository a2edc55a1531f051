/**
 * Writes the table of docs/stores.md from test/conformance/results.json, against which the tests check each
 * store. `npm run generate:stores`
 */
import { storeChecks } from "../src/testing/object-store-suite.ts";
import { type ConformanceResult, conformanceResults } from "../test/conformance/results.ts";
import { type GeneratedPage, table, writePages } from "./generated-page.ts";

const begin = "<!-- conformance: made by scripts/stores-doc.ts -->";
const end = "<!-- end of conformance -->";

export const storesPage: GeneratedPage = {
  path: "docs/stores.md",
  script: "generate:stores",
  make: withResults,
};

/** The page with the up-to-date table. */
function withResults(text: string): string {
  const [before = "", rest = ""] = text.split(begin);
  const [, after = ""] = rest.split(end);
  return `${before}${begin}\n${resultTable()}\n${end}${after}`;
}

function resultTable(): string {
  const head = ["store", "`--to`", "version", "promises kept", "as of", "what to know"];
  return table(head, conformanceResults.map(rowOf));
}

function rowOf(result: ConformanceResult): string[] {
  const { name, form, version, date, broken, note, conditions } = result;
  const all = storeChecks(conditions).length;
  const brokenCount = broken.flatMap(({ checks }) => checks).length;
  const kept = brokenCount === 0 ? `all ${all}` : `${all - brokenCount} of ${all}`;
  const known = [...broken.map(({ says }) => says), ...(note === undefined ? [] : [note])];
  return [name, `\`${form}\``, version, kept, date, known.join("; ")];
}

if (import.meta.main) writePages([storesPage]);
