import assert from "node:assert/strict";
import { it } from "node:test";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { swapNaming } from "../support/also-restore.ts";
import {
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";

it("the pointer names the current version first: printed kits tell people to take that one", async () => {
  const store = new MemoryStore();
  const swapper = makeSwapper(store);
  await swapOnce(swapper);
  const [key = ""] = await keysOf(store, "versions/");
  await swapNaming(swapper, [{ key, sha256: null, channelPoints: [] }], packedBytes());
  const text = Buffer.from((await store.get("latest.json"))?.bytes ?? []).toString();
  const { version, alsoRestore } = await readPointer(store);
  assert.equal(/versions\/[^"]*/.exec(text)?.[0], version.key);
  assert.equal(/"sha256": "([^"]*)"/.exec(text)?.[1], version.sha256);
  assert.deepEqual(
    alsoRestore?.map((also) => also.key),
    [key],
  );
  assert.equal(Object.keys(JSON.parse(text)).at(-1), "alsoRestore");
});
