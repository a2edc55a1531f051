import assert from "node:assert/strict";
import type { ObjectStore } from "../store/object-store.ts";
import { collect, encode, listKeys, rejectsWith } from "./object-store-helpers.ts";
import type { StoreCheck } from "./object-store-suite.ts";

/** In byte order: "-" and "." come before "/", digits and letters after it. */
const sorted = [
  "a-b/1",
  "a-b/2",
  "a.b",
  "a/b",
  "a/c/d",
  "a/c0",
  "a0",
  "b/-",
  "b/0",
  "b/A",
  "b/_",
  "b/a",
  "b/a.b",
  "c",
] as const;

async function fill(store: ObjectStore): Promise<void> {
  for (const key of [...sorted].reverse()) await store.put(key, encode(key));
}

async function listFolders(store: ObjectStore, prefix = ""): Promise<string[]> {
  return (await collect(store.listFolders(prefix))).sort();
}

export const listChecks: readonly StoreCheck[] = [
  {
    name: "an empty store lists nothing",
    async run(open) {
      const store = await open();
      assert.deepEqual(await listKeys(store), []);
      assert.deepEqual(await listKeys(store, "no/such/"), []);
      assert.deepEqual(await listFolders(store), []);
      assert.deepEqual(await listFolders(store, "no/such/"), []);
    },
  },
  {
    name: "list gives every key in the order of bytes, with size and time",
    async run(open) {
      const [store, reader] = [await open(), await open()];
      await fill(store);
      const listed = await collect(reader.list(""));
      assert.deepEqual(
        listed.map(({ key }) => key),
        [...sorted],
      );
      for (const { key, sizeBytes, modifiedAt } of listed) {
        assert.equal(sizeBytes, key.length);
        assert.ok(Math.abs(modifiedAt - Date.now()) < 60_000);
      }
    },
  },
  {
    name: "list takes the beginning of a key: a folder, a part of a name, a whole key",
    async run(open) {
      const store = await open();
      await fill(store);
      for (const prefix of ["a", "a/", "a/c", "a/c/", "a-", "b/a", "b/a.b", "c", "d", "c/"]) {
        const expected = sorted.filter((key) => key.startsWith(prefix));
        assert.deepEqual(await listKeys(store, prefix), expected, prefix);
      }
    },
  },
  {
    name: "list begins after the key that is given, whether it exists or not",
    async run(open) {
      const store = await open();
      await fill(store);
      for (const prefix of ["", "a", "a/", "b/"]) {
        for (const after of [...sorted, "a", "a/", "a/c", "a/c/a", "a/c/z", "b", "b/z", "0", "z"]) {
          const expected = sorted.filter((key) => key.startsWith(prefix) && key > after);
          assert.deepEqual(
            await listKeys(store, prefix, after),
            expected,
            `${prefix} after ${after}`,
          );
        }
      }
    },
  },
  {
    name: "list may be left before its end",
    async run(open) {
      const store = await open();
      await fill(store);
      for await (const { key } of store.list("")) {
        assert.equal(key, sorted[0]);
        break;
      }
      assert.equal((await listKeys(store)).length, sorted.length);
    },
  },
  {
    name: "listFolders gives each of the next segments once, and no objects",
    async run(open) {
      const store = await open();
      await fill(store);
      assert.deepEqual(await listFolders(store), ["a", "a-b", "b"]);
      assert.deepEqual(await listFolders(store, "a/"), ["c"]);
      assert.deepEqual(await listFolders(store, "b/"), []);
    },
  },
  {
    name: "what was deleted is not listed, nor a folder in which nothing is left",
    async run(open) {
      const store = await open();
      await fill(store);
      await store.delete("a/c/d");
      await store.delete("a-b/1");
      await store.delete("a-b/2");
      const left = sorted.filter((key) => !key.startsWith("a-b/") && key !== "a/c/d");
      assert.deepEqual(await listKeys(store), left);
      assert.deepEqual(await listFolders(store), ["a", "b"]);
      assert.deepEqual(await listFolders(store, "a/"), []);
    },
  },
  {
    name: "what is not the beginning of a key is refused",
    async run(open) {
      const store = await open();
      for (const prefix of ["/", "../", "a//", "a/../", ".", "a b", "a/.b"]) {
        await rejectsWith("store-rejected", collect(store.list(prefix)));
        await rejectsWith("store-rejected", collect(store.listFolders(prefix)));
      }
      await rejectsWith("store-rejected", collect(store.listFolders("a")));
    },
  },
];
