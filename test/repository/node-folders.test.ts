import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeFolders } from "../../src/repository/node-folders.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { encode } from "../../src/testing/object-store-helpers.ts";

/** Names folders as SeaweedFS does: "a" before "a-b", though "a-b/…" comes before "a/…". */
class FoldersByName extends MemoryStore {
  override async *listFolders(prefix: string): AsyncIterable<string> {
    const folders: string[] = [];
    for await (const folder of super.listFolders(prefix)) folders.push(folder);
    yield* folders.sort();
  }
}

describe("the folders that hold backups", () => {
  for (const store of [new MemoryStore(), new FoldersByName()]) {
    it(`have one order in every store: ${store.constructor.name}`, async () => {
      for (const node of ["b", "a-b", "a"]) await store.put(`${node}/latest.json`, encode("{}"));
      await store.put("c/notes.txt", encode("no backup"));
      const { signal } = new AbortController();
      assert.deepEqual(await nodeFolders(store, signal), ["a", "a-b", "b"]);
    });
  }
});
