import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { findingsDoc, findingsDocPath } from "../../scripts/findings-doc.ts";

describe("docs/findings.md", () => {
  it("has every finding code, as the code means it", () => {
    assert.equal(
      readFileSync(findingsDocPath, "utf8"),
      findingsDoc(),
      "run: node scripts/findings-doc.ts",
    );
  });
});
