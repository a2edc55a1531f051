import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { objectStoreChecks, type StoreGround } from "../../src/testing/object-store-suite.ts";
import { holdTo } from "./results.ts";
import { wrongStores } from "./wrong-stores.ts";

const wrong = wrongStores.find(({ name }) => name.includes("ignores If-Match"));
const check = objectStoreChecks.find(({ name }) => wrong && name.includes(wrong.caughtBy));

function groundOf(open: (state: MemoryState) => ObjectStore): () => Promise<StoreGround> {
  return async () => {
    const state: MemoryState = new Map();
    return { open: async () => open(state), [Symbol.asyncDispose]: async () => state.clear() };
  };
}

describe("a peer is held to what is written down of it:", () => {
  assert.ok(wrong !== undefined && check !== undefined);
  const isRight = groundOf((state) => new MemoryStore(state));
  const isWrong = groundOf((state) => wrong.open(state));
  const faultless = { peer: "some-store", broken: [] };
  const faulty = {
    peer: "some-store",
    broken: [{ checks: [check.name], says: "ignores If-Match" }],
  };

  it("a promise that it keeps passes", () => holdTo(faultless, check, isRight));

  it("a promise that it breaks passes if it is written down", () => holdTo(faulty, check, isWrong));

  it("a promise that it has begun to break fails, and says how", () =>
    assert.rejects(holdTo(faultless, check, isWrong), assert.AssertionError));

  it("a promise that it has begun to keep fails, and says what to do", () =>
    assert.rejects(
      holdTo(faulty, check, isRight),
      /some-store keeps this promise now: take it out of test\/conformance\/results\.json/,
    ));
});
