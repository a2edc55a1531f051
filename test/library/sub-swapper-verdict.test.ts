import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SubSwapperVerdict } from "../../src/app/sub-swapper-verdict.ts";
import { PushNotifier } from "../../src/chanbackup/push-notifier.ts";
import { SubSwapper } from "../../src/chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../../src/chanbackup/sub-swapper-events.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { openOffsiteSwapper } from "../../src/mirror/offsite-swapper.ts";
import { demoChannel } from "../../src/node/demo-channel.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { ManualClock } from "../chanbackup/sub-swapper-fakes.ts";

const lookIntervalMs = 60_000;
const swapped: SubSwapperEvent = {
  ...{ kind: "swapped", reason: "channel-event", attempts: 1, elapsedMs: 9 },
  ...{ channels: 1, sizeBytes: 900 },
};
const confirmed: SubSwapperEvent = { kind: "confirmed", depth: "version" };
const away = new ScbError("store-busy", "it is away");

function judged() {
  const clock = new ManualClock();
  const told: string[] = [];
  const state = { isSaved: true };
  const verdict = new SubSwapperVerdict({
    ...{ store: "memory:/me", lookIntervalMs, clock },
    isSaved: () => state.isSaved,
    onChange: (now, findings) => told.push([now, ...findings.map(({ code }) => code)].join(" ")),
  });
  const hear = (...events: SubSwapperEvent[]): void => events.forEach(verdict.observer);
  const now = (): string => verdict.judge().verdict;
  return { clock, told, state, verdict, hear, now };
}

describe("the verdict on a SubSwapper", () => {
  it("is unknown until what was saved is read back, and safe from then on", () => {
    const { told, hear, now } = judged();
    hear(swapped);
    assert.equal(now(), "unknown");
    assert.deepEqual(told, []);
    hear(confirmed, confirmed);
    assert.deepEqual(told, ["safe"]);
  });

  it("is unknown again if nobody looks any more", async () => {
    const { clock, hear, now } = judged();
    hear(swapped, confirmed);
    await clock.advance(2 * lookIntervalMs);
    assert.equal(now(), "safe");
    await clock.advance(lookIntervalMs);
    assert.equal(now(), "unknown");
  });

  const cases: readonly {
    readonly name: string;
    readonly events: readonly SubSwapperEvent[];
    readonly told: readonly string[];
  }[] = [
    {
      name: "unsafe while the last state can't be saved",
      events: [{ kind: "retrying", error: away, attempt: 1, retryInMs: 9 }, swapped, confirmed],
      told: ["unsafe not-saved", "safe"],
    },
    {
      name: "unsafe from a loss until what was saved anew is read back",
      events: [
        { kind: "lost", error: new ScbError("went-back", "it is gone") },
        swapped,
        confirmed,
      ],
      told: ["unsafe went-back unproved", "safe"],
    },
    {
      name: "unknown while the notifier isn't heard",
      events: [
        { kind: "notifier-lost", error: new ScbError("caller", "it failed"), retryInMs: 9 },
        { kind: "notifier-recovered" },
      ],
      told: ["unknown node-unread", "safe"],
    },
    {
      name: "safe while a close is held back, for the backup keeps the channel",
      events: [{ kind: "close-held-back", channelPoints: ["a:0"] }],
      told: [],
    },
    {
      name: "unsafe for good once it has failed",
      events: [{ kind: "failed", error: new ScbError("pointer-lost", "it is gone") }, confirmed],
      told: ["unsafe not-saved"],
    },
  ];
  for (const { name, events, told: expected } of cases) {
    it(`is ${name}`, () => {
      const { told, hear } = judged();
      hear(swapped, confirmed);
      told.length = 0;
      hear(...events);
      assert.deepEqual(told, expected);
    });
  }

  it("is unsafe while a channel is skipped, whatever else is saved beside it", () => {
    const { told, state, hear } = judged();
    hear(swapped, confirmed);
    state.isSaved = false;
    const error = new ScbError("encode", "it has no capacity");
    hear({ kind: "channel-skipped", channelPoint: "a:0", error }, swapped, confirmed);
    assert.deepEqual(told, ["safe", "unsafe not-covered"]);
    state.isSaved = true;
    hear(confirmed);
    assert.equal(told.at(-1), "safe");
  });

  it("survives an observer that throws: Node warns of it", () => {
    const verdict = new SubSwapperVerdict({
      ...{ store: "memory:/me", isSaved: () => true },
      onChange: () => {
        throw new Error("a defect of its own");
      },
    });
    for (const event of [swapped, confirmed]) verdict.observer(event);
    assert.equal(verdict.judge().verdict, "safe");
  });

  it("follows a real one: saved, lost with the whole store, and saved anew", async () => {
    const state = new Map<string, StoredObject>();
    const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(1));
    const to = new MemoryStore(state);
    await using swapper = await openOffsiteSwapper({
      ...{ to, node: "me", encrypter, logger: silentLogger },
    });
    const told: string[] = [];
    const verdict: SubSwapperVerdict = new SubSwapperVerdict({
      ...{ store: swapper.location, isSaved: () => subSwapper.isSaved },
      onChange: (now) => told.push(now),
    });
    const notifier = new PushNotifier();
    const subSwapper: SubSwapper = new SubSwapper({
      ...{ startingChans: [], notifier, encrypter, swapper, observer: verdict.observer },
      ...{ lookIntervalMs: 1_000, quietMs: 0 },
    });
    notifier.opened(demoChannel());
    subSwapper.start();
    const becomes = async (wanted: string): Promise<void> => {
      for (let wait = 0; told.at(-1) !== wanted; wait += 1) {
        assert.ok(wait < 500, `not ${wanted} but ${told.join(", ")}`);
        await delay(20);
      }
    };
    await becomes("safe");
    for (const key of state.keys()) if (/versions/.test(key)) state.delete(key);
    await subSwapper.manualUpdate([]);
    await becomes("safe");
    assert.deepEqual(told, ["safe", "unsafe", "safe"]);
    assert.equal(await subSwapper.stop({ graceMs: 5_000 }), true);
  });
});
