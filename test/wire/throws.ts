import assert from "node:assert/strict";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";

/** Asserts that `act` throws a ScbError of this code whose message matches. */
export function throwsScb(act: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof ScbError, `not a ScbError: ${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
