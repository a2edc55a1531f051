import assert from "node:assert/strict";
import { EventEmitter, on } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { inspectWith } from "../../src/chanbackup/backup-contents.ts";
import type { ChannelEvent, ChannelNotifier } from "../../src/chanbackup/channel-notifier.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { SubSwapper, type SubSwapperOptions } from "../../src/chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../../src/chanbackup/sub-swapper-events.ts";
import { openOffsiteSwapper } from "../../src/mirror/offsite-swapper.ts";
import { PackSwapper } from "../../src/mirror/pack-swapper.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { guardsFor, keysOf, makeSwapper, readPointer } from "../support/mirror-fixture.ts";
import { channel, HandNotifier, MemorySwapper, settled } from "./sub-swapper-fakes.ts";
import {
  assertStopped,
  encrypter,
  fails,
  outPoint,
  points,
  refreshIntervalMs,
  single,
  started,
  world,
} from "./sub-swapper-world.ts";

const packed = (...numbers: number[]): Uint8Array =>
  packMulti({ version: 0, staticBackups: numbers.map(single) }, encrypter);

/** A store, and what a program in pack mode has of it. */
function offsite() {
  const store = new FaultyStore(new MemoryStore());
  const packSwapper = (): PackSwapper => {
    const guards = guardsFor(store, { inspect: inspectWith(encrypter) });
    return new PackSwapper({
      swapper: makeSwapper(store, { clock: systemClock, guards }),
      store,
      encrypter,
    });
  };
  const saved = async (): Promise<string[]> => {
    const { version } = await readPointer(store);
    const bytes = (await store.get(version.key))?.bytes ?? new Uint8Array();
    return [...(await inspectWith(encrypter)(bytes)).channelPoints];
  };
  const empty = async (): Promise<void> => {
    for (const key of await keysOf(store)) await store.delete(key);
  };
  return { store, packSwapper, saved, empty };
}

/** A program with defaults wherever there are any. */
function program(options: Partial<SubSwapperOptions> & Pick<SubSwapperOptions, "swapper">) {
  const events: SubSwapperEvent[] = [];
  const notifier = new HandNotifier();
  const subSwapper = new SubSwapper({
    startingChans: [],
    notifier,
    encrypter,
    observer: (event) => events.push(event),
    ...options,
  });
  const kinds = () => events.splice(0).map(({ kind }) => kind);
  return { subSwapper, notifier, events, kinds };
}

describe("a wiped node", () => {
  it("doesn't take the channels that only the backup holds out of it", async () => {
    const w = await started({ starting: [9], held: [1, 2, 3, 4, 5] });
    // The natural reading of `knownChans`: what the node doesn't have is closed.
    await w.notifier.tell([], [1, 2, 3, 4, 5].map(outPoint));
    assert.deepEqual(w.swapper.points, points(1, 2, 3, 4, 5, 9));
    const told = w.events.find(({ kind }) => kind === "close-held-back");
    assert(told?.kind === "close-held-back");
    assert.deepEqual(told.channelPoints, points(1, 2, 3, 4, 5));
    await assertStopped(w, true);
  });

  it("tells once, until the program confirms them", async () => {
    const w = await started({ starting: [9], held: [1, 2] });
    await w.notifier.tell([], [1, 2].map(outPoint));
    await w.notifier.tell([], [1, 2].map(outPoint));
    assert.equal(w.kinds().filter((kind) => kind === "close-held-back").length, 1);
    await w.subSwapper.confirmClosed(points(1));
    assert.deepEqual(w.swapper.points, points(2, 9));
    await assertStopped(w, true);
  });

  it("closes of its own channels count at once", async () => {
    const w = await started({ starting: [1, 2], held: [1, 3] });
    await w.notifier.tell([], [1, 3].map(outPoint));
    assert.deepEqual(w.swapper.points, points(2, 3));
    await assertStopped(w, true);
  });
});

describe("two backups made from one extract", () => {
  it("the second is superseded, and so is a retry", async () => {
    const { packSwapper, saved } = offsite();
    const swapper = packSwapper();
    await swapper.extractMulti(encrypter);
    await swapper.updateAndSwap(packed(1));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(swapper.updateAndSwap(packed(2)), { code: "superseded" });
    }
    assert.deepEqual(await saved(), points(1));
    await swapper.extractMulti(encrypter);
    await swapper.updateAndSwap(packed(1, 2));
    assert.deepEqual(await saved(), points(1, 2));
  });

  it("nor may one swap what was made from an extract that another's has replaced", async () => {
    const { packSwapper, saved } = offsite();
    const swapper = packSwapper();
    await swapper.extractMulti(encrypter);
    await swapper.extractMulti(encrypter);
    await swapper.updateAndSwap(packed(1));
    await swapper.extractMulti(encrypter);
    await assert.rejects(swapper.updateAndSwap(packed(2)), { code: "superseded" });
    assert.deepEqual(await saved(), points(1));
  });

  it("two SubSwappers on one Swapper lose nothing", async () => {
    const { packSwapper, saved } = offsite();
    const swapper = packSwapper();
    const programs = [program({ swapper }), program({ swapper })];
    for (const { subSwapper } of programs) subSwapper.start();
    await Promise.all(
      programs.flatMap(({ subSwapper }, nth) =>
        [1, 2, 3].map((number) => subSwapper.manualUpdate([single(10 * nth + number)])),
      ),
    );
    assert.deepEqual(await saved(), points(1, 2, 3, 11, 12, 13));
    for (const { subSwapper } of programs) {
      assert.equal(await subSwapper.stop({ graceMs: 5_000 }), true);
    }
  });
});

describe("a folder that is deleted under the program", () => {
  it("is saved anew, with an alarm, before a manual update resolves", async () => {
    const { packSwapper, saved, empty } = offsite();
    const swapper = packSwapper();
    await swapper.extractMulti(encrypter);
    await swapper.updateAndSwap(packed(7));
    const { subSwapper, kinds } = program({ swapper, startingChans: [single(1)] });
    subSwapper.start();
    await subSwapper.ready;
    kinds();
    await empty();
    await subSwapper.manualUpdate([]);
    assert.deepEqual(kinds(), ["lost", "swapped"]);
    assert.deepEqual(await saved(), points(1, 7), "what only the store held is saved again too");
    assert.equal(await subSwapper.stop({ graceMs: 5_000 }), true);
  });

  it("'unchanged' is read back: one pointer and one version, and nothing else", async () => {
    const { store, packSwapper } = offsite();
    const { subSwapper, kinds } = program({ swapper: packSwapper(), startingChans: [single(1)] });
    subSwapper.start();
    await subSwapper.ready;
    kinds();
    store.calls.length = 0;
    await subSwapper.manualUpdate([]);
    assert.deepEqual(kinds(), ["unchanged"]);
    const { version } = await readPointer(store);
    const calls = store.calls.slice(0, -1).map(({ verb, key }) => `${verb} ${key}`);
    assert.deepEqual(calls, ["get latest.json", `get ${version.key}`]);
    await subSwapper.stop();
  });

  it("nothing resolves while its pointer is gone", async () => {
    const { store, packSwapper } = offsite();
    const swapper = packSwapper();
    const { subSwapper, notifier } = program({ swapper, startingChans: [single(1)] });
    subSwapper.start();
    await subSwapper.ready;
    await settled();
    await notifier.tell([channel(2)]);
    await store.delete("latest.json");
    await assert.rejects(subSwapper.manualUpdate([]), { code: "pointer-lost" });
    assert.equal(await subSwapper.stop({ graceMs: 5_000 }), false);
  });

  it("a stop reads back what it calls saved", async () => {
    const { store, packSwapper } = offsite();
    const { subSwapper } = program({ swapper: packSwapper(), startingChans: [single(1)] });
    subSwapper.start();
    await subSwapper.ready;
    store.fail("get", /./, "store-unknown", { times: 1e9 });
    assert.equal(await subSwapper.stop({ graceMs: 50 }), false);
  });

  it("a reader that lives long asks the store each time", async () => {
    const { packSwapper, empty } = offsite();
    const writer = packSwapper();
    await writer.extractMulti(encrypter);
    await writer.updateAndSwap(packed(1));
    const reader = packSwapper();
    assert.equal((await reader.extractMulti(encrypter))?.staticBackups.length, 1);
    await writer.extractMulti(encrypter);
    await writer.updateAndSwap(packed(1, 2));
    assert.equal((await reader.extractMulti(encrypter))?.staticBackups.length, 2);
    await empty();
    for (const swapper of [reader, writer]) {
      await assert.rejects(swapper.extractMulti(encrypter), { code: "went-back" });
    }
  });
});

describe("stop", () => {
  /** As a program writes it that has its events from an EventEmitter. */
  function emitting() {
    const emitter = new EventEmitter();
    const notifier: ChannelNotifier = {
      subscribeChans: async (_known, signal) => {
        async function* chanUpdates(): AsyncGenerator<ChannelEvent> {
          for await (const [event] of on(emitter, "channels", { signal })) yield event;
        }
        return { chanUpdates: chanUpdates(), cancel: () => undefined };
      },
    };
    const raw: ChannelNotifier = {
      subscribeChans: async (_known, signal) => {
        const events = on(emitter, "channels", { signal });
        const next = async (): Promise<IteratorResult<ChannelEvent>> => {
          const { done, value } = await events.next();
          return done === true ? { done, value } : { value: value[0] };
        };
        return {
          chanUpdates: { [Symbol.asyncIterator]: () => ({ next }) },
          cancel: () => undefined,
        };
      },
    };
    const emit = (number: number): boolean =>
      emitter.emit("channels", { newChans: [channel(number)], closedChans: [] });
    return { emit, notifiers: { generator: notifier, iterator: raw } };
  }

  for (const kind of ["generator", "iterator"] as const) {
    for (const graceMs of [0, 5_000]) {
      it(`right after an event of a ${kind} over events.on, with ${graceMs} ms of grace`, async () => {
        const rejections: unknown[] = [];
        const onRejection = (error: unknown): void => void rejections.push(error);
        process.on("unhandledRejection", onRejection);
        for (let round = 0; round < 20; round += 1) {
          const { emit, notifiers } = emitting();
          const swapper = new MemorySwapper(encrypter);
          const { subSwapper } = program({ swapper, notifier: notifiers[kind] });
          subSwapper.start();
          await subSwapper.ready;
          await settled();
          emit(1);
          for (let ticks = round % 5; ticks > 0; ticks -= 1) await Promise.resolve();
          const isSaved = await subSwapper.stop({ graceMs });
          if (graceMs > 0) assert.deepEqual([isSaved, swapper.points], [true, points(1)]);
        }
        await turn();
        process.off("unhandledRejection", onRejection);
        assert.deepEqual(rejections, []);
      });
    }
  }

  const never = new Promise<never>(() => undefined);
  const hanging: readonly [string, Partial<SubSwapperOptions>][] = [
    [
      "an extract",
      { swapper: { extractMulti: () => never, updateAndSwap: async () => undefined } },
    ],
    ["a swap", { swapper: { extractMulti: async () => null, updateAndSwap: () => never } }],
    ["a subscription", { notifier: { subscribeChans: () => never } }],
  ];
  for (const [what, options] of hanging) {
    it(`ends although ${what} never settles, and a second one is quicker`, async () => {
      for (const isForced of [false, true]) {
        const swapper = new MemorySwapper(encrypter);
        const { subSwapper } = program({ swapper, startingChans: [single(1)], ...options });
        subSwapper.start();
        await settled();
        const stopping = subSwapper.stop({ graceMs: isForced ? 3_600_000 : 20 });
        if (isForced) await subSwapper.stop();
        assert.equal(await stopping, what === "a subscription");
        assert.equal(subSwapper.isSaved, what === "a subscription");
      }
    });
  }

  it("is what a disposal does", async () => {
    const swapper = new MemorySwapper(encrypter);
    {
      await using subSwapper = program({ swapper }).subSwapper;
      subSwapper.start();
      await subSwapper.ready;
      void subSwapper.manualUpdate([single(1)]);
    }
    assert.deepEqual(swapper.points, points(1));
  });

  it("takes no time that is none", async () => {
    const { subSwapper } = program({ swapper: new MemorySwapper(encrypter) });
    await assert.rejects(subSwapper.stop({ graceMs: Number.NaN }), { code: "usage" });
    await subSwapper.stop();
  });
});

it("an observer that throws neither ends nor hangs it", async () => {
  const swapper = new MemorySwapper(encrypter);
  const observer = (): never => {
    throw new Error("a defect of its own");
  };
  const { subSwapper, notifier } = program({ swapper, observer });
  subSwapper.start();
  await subSwapper.ready;
  await settled();
  await notifier.tell([channel(1)]);
  assert.deepEqual(swapper.points, points(1));
  assert.equal(await subSwapper.stop({ graceMs: 1_000 }), true);
  assert.equal(await subSwapper.ended, null);
});

it("a notifier that ends after its first event is backed off", async () => {
  const w = world();
  let subscriptions = 0;
  w.notifier.subscribeChans = async () => {
    subscriptions += 1;
    async function* chanUpdates(): AsyncGenerator<ChannelEvent> {
      yield { newChans: [channel(1)], closedChans: [] };
    }
    return { chanUpdates: chanUpdates(), cancel: () => undefined };
  };
  w.subSwapper.start();
  await settled();
  for (let ms = 0; ms < 60_000; ms += 100) await w.clock.advance(100);
  assert.ok(subscriptions < 15, `${subscriptions} subscriptions in a minute`);
  assert.equal(await w.subSwapper.stop(), true);
});

describe("an error of the caller's own code", () => {
  it("is named as one, and isn't tried again", async () => {
    const w = await started({ starting: [1] });
    const cause = new TypeError("this.db is undefined");
    w.swapper.beforeSwap = () => {
      throw cause;
    };
    await assert.rejects(w.subSwapper.manualUpdate([single(2)]), {
      code: "caller",
      message: "the Swapper failed: this.db is undefined",
      cause,
    });
    assert.equal((await w.subSwapper.ended)?.code, "caller");
    assert.equal(w.swapper.attempts, 2);
  });

  it("of its channels too: one that isn't a channel at all", async () => {
    const w = await started({ starting: [1] });
    const nonsense = { fundingOutpoint: channel(2).fundingOutpoint };
    // @ts-expect-error What JavaScript, or a cast, lets through.
    await w.notifier.tell([nonsense, channel(3)]);
    assert.deepEqual(w.kinds(), ["channel-skipped", "swapped"]);
    assert.deepEqual(w.swapper.points, points(1, 3));
    assert.equal(await w.subSwapper.stop({ graceMs: 1_000 }), false);
  });

  it("JSON keeps code and message", () => {
    const error = new ScbError("store-busy", "told to come back later", { cause: new Error("x") });
    assert.deepEqual(JSON.parse(JSON.stringify({ error })), {
      error: { name: "ScbError", code: "store-busy", message: "told to come back later" },
    });
  });
});

describe("openOffsiteSwapper", () => {
  it("waits for a store that is away, until its signal aborts", async () => {
    const store = new FaultyStore(new MemoryStore());
    const common = { to: store, node: "alice", encrypter, logger: silentLogger };
    store.fail("get", /latest/, "store-busy", { times: 4 });
    const swapper = await openOffsiteSwapper(common);
    assert.equal(await swapper.extractMulti(encrypter), null);
    await swapper.close();

    store.fail("get", /latest/, "store-busy", { times: 1e9 });
    await assert.rejects(openOffsiteSwapper({ ...common, signal: AbortSignal.timeout(50) }), {
      code: "aborted",
      message: /gave up: injected store-busy/,
    });
  });

  it("lets the last channel go if the program says so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-offsite-"));
    let isEmptyAccepted = false;
    const swapper = await openOffsiteSwapper({
      to: pathToFileURL(folder).href,
      node: "alice",
      encrypter,
      acceptEmpty: () => isEmptyAccepted,
      logger: silentLogger,
    });
    try {
      const { subSwapper, notifier, kinds } = program({ swapper, startingChans: [single(1)] });
      subSwapper.start();
      await subSwapper.ready;
      await settled();
      kinds();
      await notifier.tell([], [outPoint(1)]);
      await assert.rejects(subSwapper.manualUpdate([]), {
        code: "refused",
        message: /acceptEmpty/,
      });
      isEmptyAccepted = true;
      await subSwapper.manualUpdate([]);
      assert.equal((await swapper.extractMulti(encrypter))?.staticBackups.length, 0);
      assert.equal(await subSwapper.stop({ graceMs: 5_000 }), true);
    } finally {
      await swapper.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it("a program that restarts more often than it refreshes refreshes all the same", async () => {
  const { packSwapper } = offsite();
  const first = packSwapper();
  await first.extractMulti(encrypter);
  await first.updateAndSwap(packed(1));
  let nowMs = systemClock.now();
  const clock = { ...systemClock, now: () => nowMs };
  const swapsOf = async (): Promise<number> => {
    const startingChans: readonly Single[] = [single(1)];
    const swapper = packSwapper();
    const p = program({ swapper, startingChans, refreshIntervalMs, clock });
    p.subSwapper.start();
    await p.subSwapper.ready;
    await p.subSwapper.stop({ graceMs: 5_000 });
    return p.kinds().filter((kind) => kind === "swapped").length;
  };
  assert.equal(await swapsOf(), 0);
  nowMs += refreshIntervalMs;
  assert.equal(await swapsOf(), 1);
});

it("a store that is away at the start is waited for", async () => {
  const { store, packSwapper, saved } = offsite();
  store.fail("get", /./, "store-busy", { times: 5 });
  const { subSwapper } = program({ swapper: packSwapper(), startingChans: [single(1)] });
  subSwapper.start();
  await subSwapper.ready;
  assert.deepEqual(await saved(), points(1));
  await subSwapper.stop();
});

describe("5,000 channels", () => {
  it("200 events end in at most 10 swaps, and the event loop turns", async () => {
    const many = (number: number): ReturnType<typeof channel> => {
      const txid = new Uint8Array(32).fill(1);
      // As printed it begins with these bytes, and no two of them alike.
      new DataView(txid.buffer).setUint32(28, number * 2_654_435_761);
      return { ...channel(1 + (number % 200)), fundingOutpoint: { txid, index: 0 } };
    };
    const { packSwapper, saved } = offsite();
    const { newSingle } = await import("../../src/chanbackup/new-single.ts");
    const startingChans = Array.from({ length: 5_000 }, (_, number) => newSingle(many(number)));
    const { subSwapper, notifier, kinds } = program({ swapper: packSwapper(), startingChans });
    subSwapper.start();
    await subSwapper.ready;
    await settled();
    kinds();
    // By what this thread computes in one turn: other programs have their share of the machine.
    const usedMs = (): number => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    };
    let lastMs = usedMs();
    const turnsMs: number[] = [];
    const watching = setInterval(() => {
      turnsMs.push(usedMs() - lastMs);
      lastMs = usedMs();
    });
    for (let number = 0; number < 200; number += 1) {
      await notifier.tell([many(5_000 + number)]);
      await delay(2);
    }
    assert.equal(await subSwapper.stop({ graceMs: 30_000 }), true);
    clearInterval(watching);
    const swaps = kinds().filter((kind) => kind === "swapped").length;
    assert.ok(swaps >= 1 && swaps <= 10, `${swaps} swaps`);
    assert.equal((await saved()).length, 5_200);
    const longestMs = Math.max(...turnsMs);
    assert.ok(longestMs < 50, `a turn of ${longestMs.toFixed(0)} ms`);
  });
});

it("a failing store ends no SubSwapper, whatever it was told meanwhile", async () => {
  const w = await started({ starting: [1] });
  w.swapper.beforeExtract = fails("store-unknown");
  await w.notifier.tell([channel(2)]);
  await w.clock.advance(30_000);
  w.swapper.beforeExtract = () => undefined;
  await w.clock.advance(1_500);
  assert.deepEqual(w.swapper.points, points(1, 2));
  await assertStopped(w, true);
});
