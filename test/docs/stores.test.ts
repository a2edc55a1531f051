import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { objectStoreChecks } from "../../src/testing/object-store-suite.ts";
import { conformanceResults } from "../conformance/results.ts";

describe("the table of docs/stores.md", () => {
  it("names only promises that the suite has", () => {
    const names = objectStoreChecks.map(({ name }) => name);
    for (const { broken } of conformanceResults) {
      for (const { check } of broken)
        assert.ok(check === null || names.includes(check), check ?? "");
    }
  });
});
