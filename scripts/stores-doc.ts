/**
 * Writes the table of docs/stores.md from test/conformance/results.json, which the tests hold each
 * store to. `npm run generate:stores`
 */
import { readFileSync, writeFileSync } from "node:fs";
import { storeChecks } from "../src/testing/object-store-suite.ts";
import { type ConformanceResult, conformanceResults } from "../test/conformance/results.ts";

const page = new URL("../docs/stores.md", import.meta.url);
const begin = "<!-- conformance: made by scripts/stores-doc.ts -->";
const end = "<!-- end of conformance -->";

/** The page with the table as it should be. */
export function storesPage(text: string): string {
  const [before = "", rest = ""] = text.split(begin);
  const [, after = ""] = rest.split(end);
  return `${before}${begin}\n${table()}\n${end}${after}`;
}

function table(): string {
  const head = "| store | `--to` | version | promises kept | tried | what to know |";
  const lines = conformanceResults.map(lineOf);
  return [head, "|---|---|---|---|---|---|", ...lines].join("\n");
}

function lineOf(result: ConformanceResult): string {
  const { name, form, version, date, where, broken, note, conditions } = result;
  const all = result.of ?? storeChecks(conditions).length;
  const kept = broken.length === 0 ? `all ${all}` : `${all - broken.length} of ${all}`;
  const known = [...broken.map(({ says }) => says), ...(note === undefined ? [] : [note])];
  return `| ${name} | \`${form}\` | ${version} | ${kept} | ${where}, ${date} | ${known.join("; ")} |`;
}

if (import.meta.main) writeFileSync(page, storesPage(readFileSync(page, "utf8")));
