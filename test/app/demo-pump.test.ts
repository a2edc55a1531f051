import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openDemoPump } from "../../src/app/demo-pump.ts";
import { loadSettings } from "../../src/app/settings.ts";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { guardsFor, makeSwapper } from "../support/mirror-fixture.ts";

describe("the demo node's pump", () => {
  it("does not end where the store is away again just after it was reached", async () => {
    const store = new FaultyStore(new MemoryStore());
    const events: MirrorEvent[] = [];
    const stop = new AbortController();
    let isRunning = false;
    const pump = await openDemoPump({
      settings: loadSettings({ from: "demo", "demo-interval": "1h" }, {}),
      observe: (event) => {
        events.push(event);
        const isDone = event.kind === "swapped" || event.kind === "unchanged";
        if (isRunning && isDone) stop.abort();
      },
      clock: hastyClock(),
      random: systemRandom,
      logger: silentLogger,
    });
    const abort = new AbortController().signal;
    const swapperOf = () => {
      const { inspect, witness } = pump;
      return makeSwapper(store, { guards: guardsFor(store, { inspect, witness }) });
    };
    await pump.once(swapperOf(), store, abort);
    const before = events.length;
    assert.equal(events.at(-1)?.kind, "swapped");

    store.fail("get", /versions/, "store-unknown", { times: 20 });
    isRunning = true;
    await pump.run(swapperOf(), store, stop.signal, abort);
    const kinds = events.slice(before).map(({ kind }) => kind);
    assert.ok(kinds.filter((kind) => kind === "retrying").length > 3, kinds.join(" "));
    assert.ok(kinds.includes("swapped") || kinds.includes("unchanged"), kinds.join(" "));
  });
});
