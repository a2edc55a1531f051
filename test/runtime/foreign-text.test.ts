import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  escapedJson,
  foreignText,
  printable,
  secretlessText,
} from "../../src/runtime/foreign-text.ts";

const hostile = "a\u001b[2J\u009b1m\r\nb\u202ec\u2028d\u200be\u{e0041}f\tg";

describe("foreign text", () => {
  it("is one line, without control characters, and ends", () => {
    assert.equal(foreignText(hostile), "a [2J 1m b c d e f g");
    assert.equal(foreignText("ä 日本 😀"), "ä 日本 😀");
    assert.equal(foreignText("x".repeat(10_000)).length, 300);
    assert.equal(foreignText("a token b", ["token"]), "a … b");
  });

  it("isn't repeated where it may hold a secret", () => {
    assert.equal(secretlessText("permission denied\n"), "permission denied");
    const macaroon = `macaroon 0201036c6e64${"ab".repeat(40)} is wrong`;
    assert.match(secretlessText(macaroon), /isn't shown/);
  });

  it("shows by its codes in a line", () => {
    assert.equal(
      printable(hostile),
      "a\\x1b[2J\\x9b1m\\x0d\\x0ab\\u{202e}c\\u{2028}d\\u{200b}e\\u{e0041}f\\x09g",
    );
  });

  it("is escaped in JSON, and is the same when it is read", () => {
    const json = escapedJson(JSON.stringify({ [hostile]: hostile }));
    assert.doesNotMatch(json, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.deepEqual(JSON.parse(json), { [hostile]: hostile });
  });
});
