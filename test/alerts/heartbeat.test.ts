import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Heartbeat } from "../../src/alerts/heartbeat.ts";
import type { Proof } from "../../src/alerts/situation.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const random = { bytes: (size: number) => new Uint8Array(size), unit: () => 1 };

/** A mirror whose looks succeed, and a service that takes what it is sent. */
function setUp() {
  const clock = new ManualClock();
  const w = {
    clock,
    pingsMs: [] as number[],
    looks: 0,
    verdict: "safe" as Proof["verdict"],
    provedAtMs: null as number | null,
    canLook: true,
    isAway: false,
    isHanging: false,
    tries: 0,
    async pass(ms: number): Promise<void> {
      for (let at = 0; at < ms; at += secondMs) {
        heartbeat.see({ verdict: w.verdict, provedAtMs: w.provedAtMs });
        await clock.advance(secondMs);
      }
    },
    close: () => heartbeat.close(secondMs),
  };
  const heartbeat = new Heartbeat({
    service: {
      name: "service",
      async ping(signal) {
        w.tries += 1;
        if (w.isHanging) {
          return new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason)),
          );
        }
        if (w.isAway) throw new ScbError("undelivered", "away");
        w.pingsMs.push(clock.monotonicMs());
        return "OK";
      },
    },
    intervalMs: 5 * minuteMs,
    look: () => {
      w.looks += 1;
      if (w.canLook) w.provedAtMs = clock.monotonicMs();
    },
    clock,
    random,
    logger: silentLogger,
  });
  return w;
}

describe("a heartbeat", () => {
  it("is sent every five minutes, after a look each time", async () => {
    const w = setUp();
    await w.pass(31 * minuteMs);
    assert.equal(w.pingsMs.length, 7);
    assert.equal(w.looks, 7);
    const gaps = w.pingsMs.slice(1).map((at, n) => at - (w.pingsMs[n] ?? 0));
    assert.ok(
      gaps.every((gap) => Math.abs(gap - 5 * minuteMs) <= 2 * secondMs),
      gaps.join(" "),
    );
    await w.close();
  });

  it("isn't sent while the verdict isn't safe, and at once when it is again", async () => {
    const w = setUp();
    await w.pass(minuteMs);
    for (const verdict of ["unsafe", "unknown"] as const) {
      w.verdict = verdict;
      const before = w.pingsMs.length;
      await w.pass(20 * minuteMs);
      assert.equal(w.pingsMs.length, before);
      w.verdict = "safe";
      await w.pass(2 * secondMs);
      assert.equal(w.pingsMs.length, before + 1);
    }
    await w.close();
  });

  it("isn't sent on what was read back before it was due, however safe that was", async () => {
    const w = setUp();
    await w.pass(minuteMs);
    w.canLook = false;
    await w.pass(20 * minuteMs);
    assert.equal(w.pingsMs.length, 1);
    assert.ok(w.looks > 20, "it asks again");
    await w.close();
  });

  it("is tried again soon while the service is away, or hangs, and looks anew each time", async () => {
    const w = setUp();
    w.isAway = true;
    await w.pass(5 * minuteMs);
    assert.ok(w.tries >= 5 && w.tries < 30, `${w.tries} tries`);
    assert.equal(w.looks, w.tries);
    w.isAway = false;
    w.isHanging = true;
    await w.pass(5 * minuteMs);
    w.isHanging = false;
    await w.pass(2 * minuteMs);
    assert.equal(w.pingsMs.length, 1);
    await w.close();
  });

  it("lets a ping end when it is closed, and sends none after", async () => {
    const w = setUp();
    w.isHanging = true;
    await w.pass(2 * secondMs);
    const closing = w.close();
    await settled();
    await w.clock.advance(secondMs);
    await closing;
    await w.pass(20 * minuteMs);
    assert.equal(w.tries, 1);
  });
});
