import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyRepair } from "../../src/recovery/repair.ts";
import { planRepair } from "../../src/recovery/repair-plan.ts";
import { readHistory } from "../../src/repository/history.ts";
import { readPointer } from "../../src/repository/pointer.ts";
import { readPrunedRecord } from "../../src/repository/pruned-record.ts";
import { recordSizeLimitBytes } from "../../src/repository/record.ts";
import { readVersion } from "../../src/repository/version.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { makeSwapper, readPointer as pointerOf, swapOnce } from "../support/mirror-fixture.ts";

/** A store that says that a version is far larger than any backup is. */
class HugeVersions extends MemoryStore {
  override get(key: string, options: { readonly maxBytes?: number | undefined } = {}) {
    return super.get(key, key.startsWith("versions/") ? { ...options, maxBytes: 10 } : options);
  }
}

/** Has to read an object to know its etag, as a folder does, and this one's pointer is too large. */
class HugePointer extends MemoryStore {
  override get(key: string, options: { readonly maxBytes?: number | undefined } = {}) {
    return super.get(key, key === "latest.json" ? { ...options, maxBytes: 10 } : options);
  }
}

describe("what is too large to be what it should be", () => {
  it("is a damaged pointer, which repair can replace by its etag", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    const { etag } = await store.put("latest.json", new Uint8Array(recordSizeLimitBytes + 1));
    const reading = await readPointer(store);
    assert.ok(reading.kind === "damaged");
    assert.equal(reading.error.code, "pointer-damaged");
    assert.deepEqual({ etag: reading.etag, bytes: reading.bytes }, { etag, bytes: null });
    await assert.rejects(makeSwapper(store).base(), { code: "pointer-damaged" });
  });

  it("is a damaged pointer, though not even its etag can be read", async () => {
    const state: MemoryState = new Map();
    await swapOnce(makeSwapper(new MemoryStore(state)));
    const store = new HugePointer(state);
    const reading = await readPointer(store);
    assert.ok(reading.kind === "damaged");
    assert.deepEqual({ etag: reading.etag, bytes: reading.bytes }, { etag: null, bytes: null });
    const plan = await planRepair({ store });
    assert.ok(plan.target !== null);
    const shared = { clock: hastyClock(), random: systemRandom };
    await assert.rejects(
      applyRepair(plan, plan.target, { store, node: "alice", writer: "a test", ...shared }),
      { code: "pointer-damaged", message: /delete it, and run scb-mirror repair again/ },
    );
  });

  it("has no metadata, and a history is shown all the same", async () => {
    const store = new HugeVersions();
    await swapOnce(makeSwapper(store));
    const { entries } = await readHistory(store);
    assert.deepEqual(
      entries.map(({ sha256, current }) => ({ sha256, current })),
      [{ sha256: "", current: true }],
    );
  });

  it("is a damaged record", async () => {
    const store = new MemoryStore();
    await store.put("pruned.json", new Uint8Array(recordSizeLimitBytes + 1));
    await assert.rejects(readPrunedRecord(store), { code: "decode" });
  });

  it("is a damaged version, of which nothing is read", async () => {
    const store = new HugeVersions();
    await swapOnce(makeSwapper(store));
    const { version } = await pointerOf(store);
    const reading = await readVersion(store, version);
    assert.ok(reading.kind === "damaged");
    assert.equal(reading.bytes.length, 0);
  });
});
