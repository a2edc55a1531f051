import assert from "node:assert/strict";
import { encode, readText, rejectsWith, uniqueBytes } from "./object-store-helpers.ts";
import type { StoreCheck } from "./object-store-suite.ts";

const key = "node/latest.json";

/** The promise of a store without conditional writes: it never appears to have them. */
export const appendOnlyChecks: readonly StoreCheck[] = [
  {
    name: "append-only: says so, and refuses any condition, whether it holds or not",
    async run(open) {
      const store = await open();
      assert.equal(store.conditions, "none");
      const absent = { kind: "absent" } as const;
      await rejectsWith("store-rejected", store.put(key, uniqueBytes(), { condition: absent }));
      assert.equal(await store.get(key), null);
      const { etag } = await store.put(key, encode("kept"));
      for (const condition of [absent, { kind: "match", etag } as const]) {
        await rejectsWith("store-rejected", store.put(key, uniqueBytes(), { condition }));
      }
      assert.equal(await readText(store, key), "kept");
    },
  },
];
