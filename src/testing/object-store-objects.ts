import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  collect,
  decode,
  encode,
  readText,
  rejectsWith,
  uniqueBytes,
} from "./object-store-helpers.ts";
import type { StoreCheck } from "./object-store-suite.ts";

const key = "node/versions/1.backup";

const badKeys = [
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/../b",
  "a/./b",
  ".hidden",
  "a/.hidden/b",
  "a b",
  "a\\b",
  "a\0b",
  "ä",
  "a?b",
  "a%2fb",
  "a:b",
  "a~b",
];

const badMetadata: readonly Readonly<Record<string, string>>[] = [
  { Upper: "x" },
  { under_score: "x" },
  { "": "x" },
  { a: "" },
  { a: " x" },
  { a: "x " },
  { a: "line\nbreak" },
  { a: "ä" },
  { a: "x".repeat(1600) },
];

export const objectChecks: readonly StoreCheck[] = [
  {
    name: "what is not there is null",
    async run(open) {
      const store = await open();
      assert.equal(await store.get(key), null);
      assert.equal(await store.head(key), null);
      await store.put(key, uniqueBytes());
      assert.equal(await store.get(`${key}x`), null);
      assert.equal(await store.get("node/versions"), null);
      assert.equal(await store.head("node/versions"), null);
    },
  },
  {
    name: "a put is read back by another handle: bytes, size, metadata, time",
    async run(open) {
      const [writer, reader] = [await open(), await open()];
      const metadata = {
        "scb-sequence": "7",
        "scb-sha256": "ab".repeat(32),
        note: 'a b, "c"; d=e',
      };
      const bytes = uniqueBytes();
      const { etag } = await writer.put(key, bytes, { metadata, contentType: "text/plain" });
      const object = await reader.get(key);
      assert.ok(object !== null);
      assert.deepEqual(Buffer.from(object.bytes), Buffer.from(bytes));
      assert.equal(object.key, key);
      assert.equal(object.sizeBytes, bytes.length);
      assert.equal(object.etag, etag);
      assert.deepEqual({ ...object.metadata }, metadata);
      assert.ok(
        Math.abs(object.modifiedAt - Date.now()) < 60_000,
        "modifiedAt is in ms and is now",
      );
    },
  },
  {
    name: "head says what get says, without the bytes",
    async run(open) {
      const store = await open();
      await store.put(key, uniqueBytes(), { metadata: { a: "1" } });
      const object = await store.get(key);
      assert.ok(object !== null);
      const { bytes: _, ...info } = object;
      assert.deepEqual(await store.head(key), info);
    },
  },
  {
    name: "the etag stays while the content stays, and changes with it",
    async run(open) {
      const [store, other] = [await open(), await open()];
      const first = await store.put(key, uniqueBytes());
      for (const handle of [store, other, store]) {
        assert.equal((await handle.get(key))?.etag, first.etag);
        assert.equal((await handle.head(key))?.etag, first.etag);
      }
      const second = await store.put(key, uniqueBytes());
      assert.notEqual(second.etag, first.etag);
      assert.equal((await other.get(key))?.etag, second.etag);
    },
  },
  {
    name: "any bytes come back as they were: none, each value, a megabyte",
    async run(open) {
      const store = await open();
      const contents = [
        new Uint8Array(0),
        Uint8Array.from({ length: 256 }, (_, value) => value),
        encode("\r\n\0 ends in newlines \n\n"),
        new Uint8Array(randomBytes(1_048_577)),
      ];
      for (const [index, bytes] of contents.entries()) {
        await store.put(`bytes/${index}`, bytes);
        const object = await store.get(`bytes/${index}`);
        assert.ok(
          Buffer.from(bytes).equals(object?.bytes ?? Buffer.from("missing")),
          `content ${index}`,
        );
        assert.equal(object?.sizeBytes, bytes.length);
        assert.equal((await store.head(`bytes/${index}`))?.sizeBytes, bytes.length);
      }
    },
  },
  {
    name: "an object of more than maxBytes is store-too-large, and one of just that size is read",
    async run(open) {
      const store = await open();
      const bytes = new Uint8Array(randomBytes(100_000));
      await store.put(key, bytes);
      await rejectsWith("store-too-large", store.get(key, { maxBytes: 99_999 }));
      await rejectsWith("store-too-large", store.get(key, { maxBytes: 0 }));
      assert.equal((await store.get(key, { maxBytes: 100_000 }))?.bytes.length, bytes.length);
      assert.equal(await store.get(`${key}x`, { maxBytes: 0 }), null);
      await store.put(key, new Uint8Array());
      assert.equal((await store.get(key, { maxBytes: 0 }))?.sizeBytes, 0);
    },
  },
  {
    name: "the bytes given and the bytes returned are the caller's to change",
    async run(open) {
      const store = await open();
      const given = encode("kept");
      const putting = store.put(key, given);
      await putting;
      given.fill(0);
      const returned = await store.get(key);
      assert.equal(decode(returned?.bytes ?? given), "kept");
      returned?.bytes.fill(0);
      assert.equal(await readText(store, key), "kept");
    },
  },
  {
    name: "a put without a condition replaces content and metadata",
    async run(open) {
      const store = await open();
      await store.put(key, encode("one"), { metadata: { a: "1", b: "2" } });
      await store.put(key, encode("two"), { metadata: { a: "3" } });
      assert.deepEqual({ ...(await store.get(key))?.metadata }, { a: "3" });
      await store.put(key, encode("two"));
      assert.deepEqual({ ...(await store.get(key))?.metadata }, {});
      await store.put(key, encode("one"));
      assert.deepEqual({ ...(await store.head(key))?.metadata }, {});
      assert.equal(await readText(store, key), "one");
    },
  },
  {
    name: "metadata up to its limit comes back",
    async run(open) {
      const store = await open();
      const metadata = Object.fromEntries(
        Array.from({ length: 14 }, (_, index) => [`name-${index + 10}`, "v".repeat(100)]),
      );
      await store.put(key, uniqueBytes(), { metadata });
      assert.deepEqual({ ...(await store.head(key))?.metadata }, metadata);
    },
  },
  {
    name: "what is no key is refused by every call",
    async run(open) {
      const store = await open();
      for (const bad of badKeys) {
        await rejectsWith("store-rejected", store.get(bad));
        await rejectsWith("store-rejected", store.head(bad));
        await rejectsWith("store-rejected", store.put(bad, uniqueBytes()));
        await rejectsWith("store-rejected", store.delete(bad));
      }
    },
  },
  {
    name: "metadata that would not come back is refused, and nothing written",
    async run(open) {
      const store = await open();
      for (const metadata of badMetadata) {
        await rejectsWith("store-rejected", store.put(key, uniqueBytes(), { metadata }));
      }
      assert.equal(await store.get(key), null);
    },
  },
  {
    name: "delete removes the object alone, and may be repeated",
    async run(open) {
      const [store, other] = [await open(), await open()];
      await store.put(key, uniqueBytes(), { metadata: { a: "1" } });
      await store.put(`${key}2`, encode("stays"));
      await store.delete(key);
      await store.delete(key);
      await store.delete("never/was/there");
      assert.equal(await other.get(key), null);
      assert.equal(await other.head(key), null);
      assert.equal(await readText(other, `${key}2`), "stays");
      await store.put(key, encode("again"));
      assert.deepEqual({ ...(await other.get(key))?.metadata }, {});
    },
  },
  {
    name: "a signal that has aborted stops every call before it does anything",
    async run(open) {
      const store = await open();
      await store.put(key, encode("kept"));
      const signal = AbortSignal.abort(new Error("stop"));
      await rejectsWith("aborted", store.get(key, { signal }));
      await rejectsWith("aborted", store.head(key, { signal }));
      await rejectsWith("aborted", store.put(key, uniqueBytes(), { signal }));
      await rejectsWith("aborted", store.delete(key, { signal }));
      await rejectsWith("aborted", collect(store.list("", { signal })));
      await rejectsWith("aborted", collect(store.listFolders("", { signal })));
      assert.equal(await readText(store, key), "kept");
    },
  },
  {
    name: "close may be called twice",
    async run(open) {
      const store = await open();
      await store.put(key, uniqueBytes());
      await store.close();
      await store.close();
    },
  },
];
