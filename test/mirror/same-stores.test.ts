import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sameStores } from "../../src/mirror/same-stores.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { keysOf } from "../support/mirror-fixture.ts";

const named = (...stores: readonly ObjectStore[]) =>
  stores.map((store, index) => ({ name: `store ${index}`, store: prefixedStore(store, "alice") }));

const look = (stores: ReturnType<typeof named>, timeoutMs = 20_000) => {
  const { signal } = new AbortController();
  return sameStores(stores, { clock: systemClock, random: systemRandom, timeoutMs, signal });
};

/** Answers each read with what was written last, whatever the key: 200 to anything. */
function answersAnything(): ObjectStore {
  const store = new MemoryStore();
  let last: string | null = null;
  return Object.assign(Object.create(store), {
    put: (key: string, bytes: Uint8Array) => {
      last = key;
      return store.put(key, bytes);
    },
    get: (key: string) => store.get(last ?? key),
    delete: (key: string) => store.delete(key),
  });
}

describe("two names of one store", () => {
  it("are found by what is written through the one and read through the other", async () => {
    const state: MemoryState = new Map();
    const [one, other] = [new MemoryStore(state), new MemoryStore(state)];
    const found = await look(named(one, new MemoryStore(), other));
    assert.deepEqual(found, { same: [["store 0", "store 2"]], unknown: [] });
    assert.deepEqual(await keysOf(one), [], "nothing is left");
  });

  it("are not a copy of a folder, nor a store that answers anything", async () => {
    const state: MemoryState = new Map();
    await new MemoryStore(state).put("alice/latest.json", Buffer.from("a pointer"));
    const stores = named(
      new MemoryStore(state),
      new MemoryStore(new Map(state)),
      answersAnything(),
    );
    assert.deepEqual(await look(stores), { same: [], unknown: [] });
  });

  it("are found with a credential that may write through one of them only", async () => {
    const state: MemoryState = new Map();
    const reader = new FaultyStore(new MemoryStore(state));
    reader.fail("put", /./, "store-denied");
    const { same } = await look(named(new MemoryStore(state), reader));
    assert.deepEqual(same, [["store 0", "store 1"]]);
  });

  it("leave it open for a store that is away, and are told of the others", async () => {
    const state: MemoryState = new Map();
    const away = new FaultyStore(new MemoryStore());
    for (const call of ["put", "get", "delete"] as const)
      away.fail(call, /./, "store-busy", { times: 99 });
    const stores = named(new MemoryStore(state), away, new MemoryStore(state));
    const { same, unknown } = await look(stores);
    assert.deepEqual(same, [["store 0", "store 2"]]);
    assert.deepEqual(
      unknown.map(({ name, error }) => [name, error.code]),
      [["store 1", "store-busy"]],
    );
  });

  it("are looked for within the time, also with a store that hangs", async () => {
    const hung: ObjectStore = Object.assign(Object.create(new MemoryStore()), {
      put: () => new Promise(() => undefined),
      get: () => new Promise(() => undefined),
      delete: () => new Promise(() => undefined),
    });
    const startedMs = performance.now();
    const { unknown } = await look(named(new MemoryStore(), hung), 200);
    assert.deepEqual(
      unknown.map(({ name }) => name),
      ["store 1"],
    );
    assert.ok(performance.now() - startedMs < 10_000);
  });
});
