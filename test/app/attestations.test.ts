import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AttestedMirror, attestWhile } from "../../src/app/attestations.ts";
import { versionKey } from "../../src/repository/layout.ts";
import { readAttested } from "../../src/repository/mirror-record.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const held = {
  key: versionKey(7, "01KXWNJS600ABCDEFGHJKMNPQR"),
  sequence: 7,
  sha256: "ab".repeat(32),
};

/** A mirror of one store that attests each five minutes while `work` goes on. */
function begin({ intervalMs = 5 * minuteMs }: { intervalMs?: number | null } = {}) {
  const clock = new ManualClock();
  const memory = new MemoryStore(undefined, clock);
  const stop = new AbortController();
  const work = Promise.withResolvers<string>();
  const w = {
    clock,
    memory,
    puts: 0,
    looks: 0,
    canHold: true,
    heldMs: null as number | null,
    isAway: false,
    async pass(ms: number): Promise<void> {
      for (let at = 0; at < ms; at += secondMs) await clock.advance(secondMs);
    },
    attested: () => readAttested(memory, clock.now()),
    async end(failure?: Error): Promise<void> {
      stop.abort();
      if (failure === undefined) work.resolve("done");
      else work.reject(failure);
      await settled();
    },
    running: undefined as unknown as Promise<string>,
  };
  const store: ObjectStore = Object.assign(Object.create(memory), {
    put: async (...args: Parameters<ObjectStore["put"]>) => {
      w.puts += 1;
      if (w.isAway) return new Promise<never>(() => undefined);
      return memory.put(...args);
    },
  });
  const mirror: AttestedMirror = {
    name: "s",
    store,
    held,
    lookSoon: () => {
      w.looks += 1;
      w.heldMs = w.canHold ? clock.monotonicMs() : null;
    },
  };
  w.running = attestWhile(() => work.promise, [mirror], {
    intervalMs,
    heldSinceMs: () => w.heldMs,
    signal: stop.signal,
    clock,
    random: systemRandom,
    logger: silentLogger,
  });
  return w;
}

describe("a running mirror attests", () => {
  it("at once, and at each interval, each time after a look, to one key", async () => {
    const w = begin();
    await w.pass(21 * minuteMs);
    assert.equal(w.puts, 5);
    assert.equal(w.looks, 5);
    const attested = await w.attested();
    assert.ok(attested.kind === "last");
    assert.equal(attested.last.state, "running");
    assert.deepEqual(attested.last.version, held);
    const keys: string[] = [];
    for await (const { key } of w.memory.list("")) keys.push(key);
    assert.deepEqual(keys, [attested.last.key]);
    await w.end();
    assert.equal(await w.running, "done");
  });

  it("nothing while it doesn't know that the store holds the node's state", async () => {
    const w = begin();
    w.canHold = false;
    await w.pass(31 * minuteMs);
    assert.ok(w.puts <= 1 && w.looks > 30, "it looks again");
    const before = w.puts;
    w.canHold = true;
    await w.pass(minuteMs);
    assert.equal(w.puts, before + 1);
    await w.end();
  });

  it("its end, if it is told to end, and not otherwise", async () => {
    const w = begin();
    await w.pass(minuteMs);
    await w.end();
    await w.running;
    const attested = await w.attested();
    assert.equal(attested.kind === "last" && attested.last.state, "stopped");
    const failed = begin();
    await failed.pass(minuteMs);
    const ended = assert.rejects(failed.running, /broken/);
    await failed.end(new Error("broken"));
    await ended;
    const left = await failed.attested();
    assert.equal(left.kind === "last" && left.last.state, "running");
  });

  it("no end if it has said nothing before", async () => {
    const w = begin();
    w.canHold = false;
    w.heldMs = null;
    await w.end();
    await w.running;
    assert.ok(w.puts <= 1);
  });

  it("nothing if it is off", async () => {
    const w = begin({ intervalMs: null });
    await w.pass(11 * minuteMs);
    await w.end();
    await w.running;
    assert.equal(w.puts, 0);
  });

  it("without holding up the work, or its end, by a store that hangs", async () => {
    const w = begin();
    w.isAway = true;
    await w.pass(11 * minuteMs);
    assert.ok(w.puts >= 2);
    await w.end();
    assert.equal(await w.running, "done");
    const last = begin();
    await last.pass(minuteMs);
    last.isAway = true;
    await last.end();
    await last.clock.advance(3 * secondMs);
    assert.equal(await last.running, "done");
  });
});
