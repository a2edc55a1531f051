import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { probeStore } from "../../src/mirror/probe.ts";
import { ensureProbed } from "../../src/mirror/probe-verdict.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore, PutOptions } from "../../src/store/object-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { keysOf } from "../support/mirror-fixture.ts";

function probe(store: ObjectStore): Promise<void> {
  return probeStore({ store, clock: hastyClock(), random: systemRandom });
}

/** A store whose puts are changed on their way to an honest one. */
function lying(
  change: (
    inner: MemoryStore,
    key: string,
    options: PutOptions,
  ) => PutOptions | Promise<PutOptions>,
): ObjectStore {
  const inner = new MemoryStore();
  const store = new FaultyStore(inner);
  store.put = async (key, bytes, options = {}) => {
    return inner.put(key, bytes, await change(inner, key, options));
  };
  return store;
}

const without = ({ condition: _, ...options }: PutOptions): PutOptions => options;

describe("probeStore", () => {
  it("accepts an honest store and leaves nothing behind", async () => {
    const store = new MemoryStore();
    await probe(store);
    assert.deepEqual(await keysOf(store), []);
  });

  it("accepts an honest store that is busy, or loses answers, now and then", async () => {
    const store = new FaultyStore(new MemoryStore());
    let puts = 0;
    store.before = ({ verb }) => {
      puts += verb === "put" ? 1 : 0;
      if (verb === "put" && puts % 9 === 0) throw new ScbError("store-busy", "429");
      if (verb === "put" && puts % 13 === 0) throw new ScbError("store-unknown", "reset");
    };
    await probe(store);
  });

  it("accepts an honest store whose answers are lost when the write has landed, or that got one twice", async () => {
    for (const code of ["store-unknown", "store-precondition"] as const) {
      for (let nth = 1; nth <= 20; nth += 1) {
        const store = new FaultyStore(new MemoryStore());
        let puts = 0;
        store.faults.push({
          on: ({ verb }) => verb === "put" && ++puts === nth,
          when: "after",
          error: new ScbError(code, "injected: it has landed"),
          times: Number.POSITIVE_INFINITY,
        });
        await probe(store);
        assert.ok(puts < 150, `${puts} writes where ${code} was said of number ${nth}`);
      }
    }
  });

  const liars: readonly (readonly [string, ObjectStore])[] = [
    [
      "ignores If-Match",
      lying((_, __, options) => (options.condition?.kind === "match" ? without(options) : options)),
    ],
    [
      "ignores If-None-Match",
      lying((_, __, options) =>
        options.condition?.kind === "absent" ? without(options) : options,
      ),
    ],
    ["ignores both", lying((_, __, options) => without(options))],
    [
      "ignores If-Match on a missing key",
      lying(async (inner, key, options) =>
        options.condition?.kind === "match" && (await inner.head(key)) === null
          ? without(options)
          : options,
      ),
    ],
    [
      "checks, and then acts",
      lying(async (inner, key, options) => {
        const { condition } = options;
        const held = await inner.head(key);
        if (condition?.kind === "absent" && held !== null) return options;
        if (condition?.kind === "match" && held?.etag !== condition.etag) return options;
        await setImmediate();
        return without(options);
      }),
    ],
  ];
  for (const [name, store] of liars) {
    it(`refuses a store that ${name}, and cleans up`, async () => {
      await assert.rejects(probe(store), { code: "store-lies" });
      assert.deepEqual(await keysOf(store), []);
    });
  }

  it("refuses a store that ignores conditions one time in five", async () => {
    let puts = 0;
    const store = lying((_, __, options) => {
      puts += 1;
      return puts % 5 === 0 ? without(options) : options;
    });
    await assert.rejects(probe(store), { code: "store-lies" });
  });

  it("refuses a store that does not know conditional writes", async () => {
    const store = lying((_, __, options) => {
      if (options.condition === undefined) return options;
      throw new ScbError("store-rejected", "501");
    });
    await assert.rejects(probe(store), { code: "store-lies", message: /--single-writer/ });
    assert.deepEqual(await keysOf(store), []);
  });

  it("gives no verdict on a store that refuses every write", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", /^probe/, "store-rejected", { times: 99 });
    await assert.rejects(probe(store), { code: "store-rejected" });
  });

  it("gives no verdict for lack of answers, even if the last one makes no sense", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", /^probe/, "store-unknown", { times: 4 });
    store.fail("put", /^probe/, "store-precondition", { times: 99 });
    const message = /not known whether .* enforces conditional writes/;
    await assert.rejects(probe(store), { code: "store-unknown", message });
  });

  it("refuses a store whose answers never make sense", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", /^probe/, "store-precondition", { times: 99 });
    await assert.rejects(probe(store), { code: "store-lies", message: /no usable answer/ });
  });

  it("accepts a store that takes one write a second on a key", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    const clock = hastyClock();
    const takenMs = new Map<string, number>();
    let refused = 0;
    store.before = ({ verb, key }) => {
      if (verb !== "put") return;
      const nowMs = clock.monotonicMs();
      if (nowMs - (takenMs.get(key) ?? -Infinity) < 1_000) {
        refused += 1;
        throw new ScbError("store-busy", "429");
      }
      takenMs.set(key, nowMs);
    };
    const startedMs = clock.monotonicMs();
    await probeStore({ store, clock, random: systemRandom });
    assert.ok(refused > 0);
    const tookMs = clock.monotonicMs() - startedMs;
    assert.ok(tookMs > 5_000 && tookMs < 30_000, `${tookMs} ms`);
    assert.deepEqual(await keysOf(store), []);
  });

  it("begins no new folder, and leaves no more files, each time that it is broken off", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    let puts = 0;
    let isAway = true;
    store.before = ({ verb }) => {
      if (verb === "delete" && isAway) throw new ScbError("store-busy", "away");
      puts += verb === "put" ? 1 : 0;
      if (verb === "put" && isAway && puts % 20 !== 1) throw new ScbError("store-unknown", "away");
    };
    for (let round = 0; round < 50; round += 1) {
      await assert.rejects(probe(store), { code: "store-unknown" });
    }
    const left = await keysOf(store);
    assert.equal(new Set(left.map((key) => key.split("/")[1])).size, 1, left.join());
    isAway = false;
    await probe(store);
    assert.deepEqual(await keysOf(store), []);
  });

  it("writes to no more keys while nothing is known to have landed", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", /^probe/, "store-unknown", { times: 99_999 });
    for (let round = 0; round < 20; round += 1) await assert.rejects(probe(store));
    const keys = new Set(store.calls.filter(({ verb }) => verb === "put").map(({ key }) => key));
    assert.equal(keys.size, 1);
  });

  it("refuses etags that repeat", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    store.put = async (key, bytes, options) => {
      await inner.put(key, bytes, options);
      return { etag: '"same"' };
    };
    await assert.rejects(probe(store), { code: "store-lies", message: /etag/ });
  });

  it("refuses etags that change from read to read", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    let reads = 0;
    store.head = async (key, options) => {
      const info = await inner.head(key, options);
      reads += 1;
      return info === null ? null : { ...info, etag: `"${reads}"` };
    };
    await assert.rejects(probe(store), { code: "store-lies", message: /two ETags/ });
  });

  it("gives no verdict on a store that does not answer", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", /^probe/, "store-busy", { times: 99 });
    await assert.rejects(probe(store), { code: "store-busy" });
  });

  it("gives no verdict on a store that goes away in the middle of a race", async () => {
    const store = new FaultyStore(new MemoryStore());
    let puts = 0;
    store.before = ({ verb }) => {
      puts += verb === "put" ? 1 : 0;
      if (puts >= 7) throw new ScbError("store-busy", "gone");
    };
    await assert.rejects(probe(store), { code: "store-busy" });
  });

  it("leaves what it may not delete", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("delete", /^probe/, "store-denied", { times: 99 });
    await probe(store);
    const [left] = await keysOf(store);
    assert.match(new TextDecoder().decode((await store.get(left ?? ""))?.bytes), /safe to delete/);
  });
});

describe("ensureProbed", () => {
  const common = { random: systemRandom, logger: silentLogger };

  it("remembers a good verdict for the same store and program, until it is stale", async () => {
    const store = new FaultyStore(new MemoryStore());
    const startMs = Date.UTC(2026, 0, 1);
    const at = (days: number) => hastyClock({ startMs: startMs + days * 86_400_000 });
    const putsOf = async (program: string, days: number): Promise<number> => {
      store.calls.length = 0;
      await ensureProbed({ ...common, store, program, clock: at(days) });
      return store.calls.filter(({ verb }) => verb === "put").length;
    };
    assert.ok((await putsOf("one", 0)) > 50);
    assert.equal(await putsOf("one", 6), 0);
    assert.ok((await putsOf("two", 6)) > 50);
    assert.ok((await putsOf("two", 14)) > 50);
  });

  it("trusts no verdict that was copied from another service", async () => {
    const inner = new MemoryStore();
    const at = (service: string): FaultyStore => {
      const store = new FaultyStore(inner);
      return Object.assign(store, { service: () => Promise.resolve(service) });
    };
    const options = { ...common, program: "one", clock: hastyClock() };
    await ensureProbed({ ...options, store: at("https://one") });
    const [same, other] = [at("https://one"), at("https://two")];
    await ensureProbed({ ...options, store: same });
    await ensureProbed({ ...options, store: other });
    const puts = (store: FaultyStore): number =>
      store.calls.filter(({ verb }) => verb === "put").length;
    assert.equal(puts(same), 0);
    assert.ok(puts(other) > 50);
  });

  it("remembers nothing of a store that lies", async () => {
    const store = lying((_, __, options) => without(options));
    await assert.rejects(ensureProbed({ ...common, store, program: "one", clock: hastyClock() }));
    assert.equal(await store.get("probe/verdict.json"), null);
  });
});
