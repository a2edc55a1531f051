import assert from "node:assert/strict";
import { encode, readText, rejectsWith, uniqueBytes } from "./object-store-helpers.ts";
import type { StoreCheck } from "./object-store-suite.ts";

const key = "node/latest.json";

export const conditionChecks: readonly StoreCheck[] = [
  {
    name: "absent: the first create resolves, the second is a precondition that writes nothing",
    async run(open) {
      const [store, other] = [await open(), await open()];
      assert.equal(store.conditions, "enforced");
      const condition = { kind: "absent" } as const;
      const { etag } = await store.put(key, encode("first"), { condition, metadata: { a: "1" } });
      for (const handle of [store, other]) {
        await rejectsWith(
          "store-precondition",
          handle.put(key, uniqueBytes(), { condition, metadata: { a: "2" } }),
        );
        const object = await handle.get(key);
        assert.equal(object?.etag, etag);
        assert.deepEqual({ ...object?.metadata }, { a: "1" });
        assert.equal(await readText(handle, key), "first");
      }
    },
  },
  {
    name: "absent: holds again after a delete",
    async run(open) {
      const store = await open();
      await store.put(key, uniqueBytes());
      await store.delete(key);
      await store.put(key, encode("new"), { condition: { kind: "absent" } });
      assert.equal(await readText(store, key), "new");
    },
  },
  {
    name: "match: the current etag replaces, by any handle",
    async run(open) {
      const [store, other] = [await open(), await open()];
      let { etag } = await store.put(key, uniqueBytes());
      for (const handle of [other, store, other]) {
        const bytes = uniqueBytes();
        const next = await handle.put(key, bytes, { condition: { kind: "match", etag } });
        assert.notEqual(next.etag, etag);
        assert.equal(await readText(store, key), new TextDecoder().decode(bytes));
        etag = next.etag;
      }
    },
  },
  {
    name: "match: an etag that was current once is a precondition that writes nothing",
    async run(open) {
      const store = await open();
      const { etag: old } = await store.put(key, uniqueBytes());
      const { etag } = await store.put(key, encode("current"), { metadata: { a: "1" } });
      const condition = { kind: "match", etag: old } as const;
      await rejectsWith(
        "store-precondition",
        store.put(key, uniqueBytes(), { condition, metadata: { a: "2" } }),
      );
      const object = await store.get(key);
      assert.equal(object?.etag, etag);
      assert.deepEqual({ ...object?.metadata }, { a: "1" });
    },
  },
  {
    name: "match: an etag that never was, a part of one, and a weak one are preconditions",
    async run(open) {
      const store = await open();
      const { etag } = await store.put(key, encode("current"));
      const wrong = [`"${"0".repeat(32)}"`, `${etag.slice(0, -3)}"`, `W/${etag}`];
      for (const other of wrong) {
        await rejectsWith(
          "store-precondition",
          store.put(key, uniqueBytes(), { condition: { kind: "match", etag: other } }),
        );
      }
      assert.equal(await readText(store, key), "current");
    },
  },
  {
    name: "match: on a key that holds nothing is store-missing, and creates nothing",
    async run(open) {
      const store = await open();
      const { etag } = await store.put("node/other.json", uniqueBytes());
      const condition = { kind: "match", etag } as const;
      await rejectsWith("store-missing", store.put(key, uniqueBytes(), { condition }));
      assert.equal(await store.get(key), null);
    },
  },
  {
    name: "match: on a key that was deleted is store-missing, and does not bring it back",
    async run(open) {
      const [store, other] = [await open(), await open()];
      const { etag } = await store.put(key, uniqueBytes());
      await other.delete(key);
      const condition = { kind: "match", etag } as const;
      await rejectsWith("store-missing", store.put(key, uniqueBytes(), { condition }));
      assert.equal(await store.get(key), null);
    },
  },
];
