import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MemoryState } from "../../src/store/memory-store.ts";
import {
  appendOnlyStoreChecks,
  objectStoreChecks,
  runStoreCheck,
} from "../../src/testing/object-store-suite.ts";
import { wrongStores } from "./wrong-stores.ts";

const everyCheck = new Set([...objectStoreChecks, ...appendOnlyStoreChecks]);

describe("the conformance suite catches a store that", () => {
  for (const { name, caughtBy, open } of wrongStores) {
    it(name, async () => {
      const checks = [...everyCheck].filter((check) => check.name.includes(caughtBy));
      assert.ok(checks.length > 0, `no check is named "… ${caughtBy} …"`);
      for (const check of checks) {
        const running = runStoreCheck(check, async () => {
          const state: MemoryState = new Map();
          return {
            open: async () => open(state),
            [Symbol.asyncDispose]: async () => state.clear(),
          };
        });
        await assert.rejects(running, assert.AssertionError, `"${check.name}" passed`);
      }
    });
  }
});
