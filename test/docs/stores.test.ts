import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { storesPage } from "../../scripts/stores-doc.ts";
import { objectStoreChecks } from "../../src/testing/object-store-suite.ts";
import { conformanceResults } from "../conformance/results.ts";

describe("the table of docs/stores.md", () => {
  const page = readFileSync(new URL("../../docs/stores.md", import.meta.url), "utf8");

  it("is what the results make: else run node scripts/stores-doc.ts", () => {
    assert.equal(page, storesPage(page));
  });

  it("names only promises that the suite has", () => {
    const names = objectStoreChecks.map(({ name }) => name);
    for (const { broken } of conformanceResults) {
      for (const { check } of broken)
        assert.ok(check === null || names.includes(check), check ?? "");
    }
  });
});
