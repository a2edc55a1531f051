import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkJson } from "../support/json-documents.ts";

const args = ["healthcheck", "--json"];

describe("what every test holds the JSON of a command to", () => {
  it("takes what is documented", () => {
    checkJson(args, '{"ok":true,"status":200,"text":"ok\\n"}\n');
    checkJson(
      ["run", "--json"],
      '{"event":"recovered","at":"2026-11-30T12:00:00.000Z","attempts":2}\n',
    );
    checkJson(args, "");
    checkJson(["healthcheck"], "ok\n");
  });

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ["a field that isn't documented", args, '{"ok":true,"status":200,"text":"","more":1}'],
    ["a field less", args, '{"ok":true,"status":200}'],
    ["another type", args, '{"ok":"true","status":200,"text":""}'],
    ["an unknown event", ["run", "--json"], '{"event":"other","at":"2026-11-30T12:00:00.000Z"}'],
    ["a command without a schema", ["unknown", "--json"], "{}"],
  ];
  for (const [what, given, text] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => checkJson(given, text), assert.AssertionError);
    });
  }
});
