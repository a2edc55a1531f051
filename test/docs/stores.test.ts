import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gcsKind } from "../../src/store/gcs-kind.ts";
import { mirrorPolicy } from "../../src/store/s3-policy.ts";
import { storeChecks } from "../../src/testing/object-store-suite.ts";
import { conformanceResults } from "../conformance/results.ts";

describe("the policies of docs/stores.md", () => {
  const page = readFileSync(new URL("../../docs/stores.md", import.meta.url), "utf8");

  it("are those that init prints", () => {
    const [, mirror = ""] = /^```json mirror\n(.*?)^```/ms.exec(page) ?? [];
    const policy = mirrorPolicy({ bucket: "my-bucket", prefix: "lightning" }, "NODE");
    assert.deepEqual(JSON.parse(mirror), policy);
    const { policy: condition } = gcsKind.leastRights(
      { kind: "gs", bucket: "BUCKET", prefix: "PREFIX" },
      "NODE",
    );
    assert.ok(page.includes(condition?.text ?? "none"));
  });
});

describe("the table of docs/stores.md", () => {
  it("names only promises that the suite has", () => {
    for (const { broken, conditions } of conformanceResults) {
      const names = storeChecks(conditions).map(({ name }) => name);
      for (const check of broken.flatMap(({ checks }) => checks)) {
        assert.ok(names.includes(check), check);
      }
    }
  });
});
