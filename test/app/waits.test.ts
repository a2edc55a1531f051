import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tellWaits, Waits, watchedStore } from "../../src/app/waits.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";

const hang = (): Promise<never> => new Promise(() => undefined);
const away = () => Promise.reject(new ScbError("store-busy", "away"));

interface Telling {
  /** When anything was told last. Default: as in a run, when a wait was. */
  readonly toldAtMs?: () => number;
  /** Happens before each look. */
  readonly meanwhile?: () => void;
}

/** Runs the teller for so long, and gives the seconds at which it told. */
async function toldIn(
  seconds: number,
  waits: Waits,
  clock: Clock,
  { toldAtMs, meanwhile }: Telling = {},
): Promise<number[]> {
  const told: number[] = [];
  const startMs = clock.monotonicMs();
  const end = new AbortController();
  const secondsNow = (): number => (clock.monotonicMs() - startMs) / 1000;
  let lastMs = startMs;
  const paced: Clock = {
    ...clock,
    async sleep(ms, signal) {
      if (secondsNow() >= seconds) end.abort();
      meanwhile?.();
      await clock.sleep(ms, signal);
    },
  };
  await tellWaits(waits, {
    clock: paced,
    toldAtMs: toldAtMs ?? (() => lastMs),
    tell: () => {
      told.push(secondsNow());
      lastMs = clock.monotonicMs();
    },
    signal: end.signal,
  });
  return told;
}

describe("waits", () => {
  it("are told after 30 s, and then once a minute", async () => {
    const clock = hastyClock();
    const waits = new Waits(clock);
    void waits.of("the store", hang);
    assert.deepEqual(await toldIn(240, waits, clock), [30, 90, 150, 210]);
  });

  it("are told of a request that fails again and again, since the first", async () => {
    const clock = hastyClock();
    const waits = new Waits(clock);
    await assert.rejects(waits.of("the store", away), { code: "store-busy" });
    const firstMs = clock.now();
    await clock.sleep(20_000);
    await assert.rejects(waits.of("the store", away), { code: "store-busy" });
    assert.deepEqual(waits.longest, { subject: "the store", sinceMs: firstMs });
    await waits.of("the store", async () => "an answer");
    assert.equal(waits.longest, null);
  });

  it("end with any answer, though it is an error", async () => {
    const waits = new Waits(hastyClock());
    await assert.rejects(waits.of("the store", away));
    const refused = Promise.reject(new ScbError("store-precondition", "no"));
    await assert.rejects(waits.of("the store", () => refused));
    assert.equal(waits.longest, null);
  });

  it("aren't told if something else was told meanwhile", async () => {
    const clock = hastyClock();
    const waits = new Waits(clock);
    void waits.of("the store", hang);
    assert.deepEqual(await toldIn(240, waits, clock, { toldAtMs: () => clock.monotonicMs() }), []);
  });

  it("aren't told if they are shorter", async () => {
    const clock = hastyClock();
    const waits = new Waits(clock);
    const meanwhile = (): void => void waits.of("the store", async () => undefined);
    assert.deepEqual(await toldIn(240, waits, clock, { meanwhile }), []);
  });

  it("are those of all that a store is asked", async () => {
    const hung = new Proxy(new MemoryStore(), {
      get: (store, name) =>
        name === "location"
          ? store.location
          : name === "list" || name === "listFolders"
            ? () => ({ [Symbol.asyncIterator]: () => ({ next: hang }) })
            : hang,
    });
    const lists = async (list: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of list) assert.fail();
    };
    for (const request of [
      (store: ObjectStore) => store.get("a"),
      (store: ObjectStore) => store.head("a"),
      (store: ObjectStore) => store.put("a", new Uint8Array()),
      (store: ObjectStore) => store.delete("a"),
      (store: ObjectStore) => lists(store.list("")),
      (store: ObjectStore) => lists(store.listFolders("")),
    ]) {
      const waits = new Waits(hastyClock());
      void request(watchedStore(hung, waits));
      await Promise.resolve();
      assert.equal(waits.longest?.subject, hung.location);
    }
  });
});
