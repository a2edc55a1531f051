import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { objectStoreSuite } from "../../src/testing/object-store-suite.ts";

objectStoreSuite("MemoryStore", async () => {
  const state: MemoryState = new Map();
  return {
    open: async () => new MemoryStore(state),
    [Symbol.asyncDispose]: async () => state.clear(),
  };
});
