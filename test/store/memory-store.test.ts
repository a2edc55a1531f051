import { systemClock } from "../../src/runtime/clock.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { objectStoreSuite, type StoreGround } from "../../src/testing/object-store-suite.ts";

for (const conditions of ["enforced", "none"] as const) {
  const newGround = async (): Promise<StoreGround> => {
    const state: MemoryState = new Map();
    return {
      open: async () => new MemoryStore(state, systemClock, conditions),
      [Symbol.asyncDispose]: async () => state.clear(),
    };
  };
  objectStoreSuite("MemoryStore", newGround, conditions);
}
