import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { boundedRead } from "../../src/runtime/bounded-read.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { type Deadline, withinDeadline } from "../../src/runtime/deadline.ts";

const late = (): Error => new Error("late");
const hangs = (): Promise<never> => new Promise(() => undefined);

describe("withinDeadline", () => {
  it("hands on what the work gives, or throws", async () => {
    const options = { clock: systemClock, ms: 1_000, late };
    assert.equal(await withinDeadline(options, async () => "done"), "done");
    const failing = withinDeadline(options, async () => {
      throw new Error("failed");
    });
    await assert.rejects(failing, { message: "failed" });
  });

  it("lets go of work that heeds no signal, late or aborted", async () => {
    await assert.rejects(withinDeadline({ clock: systemClock, ms: 20, late }, hangs), {
      message: "late",
    });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(withinDeadline({ clock: systemClock, ms: 5_000, late, signal }, hangs), {
      code: "aborted",
    });
  });

  it("tells the work, and throws what is late even if the work throws first", async () => {
    let heard: unknown;
    const work = ({ signal }: Deadline): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          heard = signal.reason;
          reject(new Error("of the work"));
        });
      });
    await assert.rejects(withinDeadline({ clock: systemClock, ms: 20, late }, work), {
      message: "late",
    });
    assert.ok(heard instanceof Error && heard.message === "late");
  });

  it("gives more time to work that asks for it", async () => {
    const options = { clock: systemClock, ms: 40, late };
    const asks = async ({ extend }: Deadline): Promise<string> => {
      extend(2_000);
      await delay(120);
      return "done";
    };
    assert.equal(await withinDeadline(options, asks), "done");
  });

  it("begins nothing for a signal that has aborted", async () => {
    let began = false;
    const work = async (): Promise<void> => {
      began = true;
    };
    const options = { clock: systemClock, ms: 1_000, late, signal: AbortSignal.abort() };
    await assert.rejects(withinDeadline(options, work), { code: "aborted" });
    assert.equal(began, false);
  });

  it("leaves no timer behind", async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const beforehand = timers();
    await withinDeadline({ clock: systemClock, ms: 60_000, late }, async () => undefined);
    await delay(1);
    assert.equal(timers(), beforehand);
  });
});

describe("boundedRead", () => {
  async function* chunks(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield new Uint8Array(size);
  }

  it("collects up to the limit, and gives nothing beyond it", async () => {
    assert.equal((await boundedRead(chunks(), 0))?.length, 0);
    assert.equal((await boundedRead(chunks(3, 4), 7))?.length, 7);
    assert.equal(await boundedRead(chunks(3, 4), 6), null);
  });

  it("asks for no more once it has too much", async () => {
    const asked: number[] = [];
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked.push(1);
        yield new Uint8Array(10);
      }
    };
    assert.equal(await boundedRead(endless(), 25), null);
    assert.equal(asked.length, 3);
  });
});
