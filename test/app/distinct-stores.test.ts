import assert from "node:assert/strict";
import { it } from "node:test";
import { whileDistinct } from "../../src/app/distinct-stores.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { keysOf } from "../support/mirror-fixture.ts";

interface Place {
  readonly name: string;
  readonly store: MemoryStore;
  readonly reached: Promise<void>;
  readonly wasRead: boolean;
}

function place(name: string, store = new MemoryStore(), wasRead = true): Place {
  return { name, store, reached: Promise.resolve(), wasRead };
}

/** What becomes of work that goes on until it is ended, or for good. */
function watched(places: readonly Place[], { once = false } = {}) {
  const ended = Promise.withResolvers<string>();
  const stop = new AbortController();
  const outcome = whileDistinct(() => (once ? Promise.resolve("done") : ended.promise), places, {
    once,
    end: () => ended.resolve("ended"),
    signal: stop.signal,
    clock: systemClock,
    random: systemRandom,
  });
  return { outcome, finish: () => ended.resolve("done"), stop };
}

it("ends work on two names of one place, and says which", async () => {
  const store = new MemoryStore();
  const { outcome } = watched([place("a", store), place("b"), place("c", store)]);
  await assert.rejects(outcome, { code: "usage", message: /^a and c are the same place/ });
});

it("finds it out also if the work is done before", async () => {
  const store = new MemoryStore();
  const { outcome } = watched([place("a", store), place("b", store)], { once: true });
  await assert.rejects(outcome, { code: "usage" });
});

it("lets work on different places go on, and leaves nothing there", async () => {
  const stores = [new MemoryStore(), new MemoryStore()];
  const { outcome } = watched(
    stores.map((store, index) => place(String(index), store)),
    { once: true },
  );
  assert.equal(await outcome, "done");
  for (const store of stores) assert.deepEqual(await keysOf(store), []);
});

it("writes nothing where the pointer wasn't read, and keeps no stop waiting", async () => {
  const store = new MemoryStore();
  const never = { ...place("b", store, false), reached: new Promise<void>(() => undefined) };
  const { outcome, finish } = watched([place("a"), never]);
  finish();
  assert.equal(await outcome, "done");
  assert.deepEqual(await keysOf(store), []);
});
