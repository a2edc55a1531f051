import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { letterOf } from "../../src/alerts/letter.ts";
import { Outbox, sendMs } from "../../src/alerts/outbox.ts";
import { openReceiver } from "../../src/alerts/receivers/open-receiver.ts";
import type { Letter, Receiver } from "../../src/alerts/receivers/receiver.ts";
import { parseReceiverUrl } from "../../src/alerts/receivers/receiver-url.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import { Slots } from "../../src/runtime/slots.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";
import { found, troubled } from "./findings.ts";
import { answering, type HttpReceiver, startHttpReceiver } from "./http-receiver.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const random = { bytes: (size: number) => new Uint8Array(size), unit: () => 1 };

function letter(n: number): Letter {
  const message = troubled("alert", found("refused", undefined, `refusal ${n}`));
  return letterOf(message, { id: `id-${n}`, details: false, host: "pi" });
}

/** A log that is read. */
function keptLog() {
  const lines: string[] = [];
  const keep = (level: string) => (_: object, message: string) =>
    void lines.push(`${level} ${message}`);
  const logger: Logger = {
    debug: () => undefined,
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
  };
  return { lines, logger };
}

function outboxOf(receiver: Receiver, clock = new ManualClock()) {
  const { lines, logger } = keptLog();
  const outbox = new Outbox({ receiver, slots: new Slots(2), clock, random, logger });
  return { outbox, clock, lines };
}

/** A receiver that does as it is told. */
function scripted(act: (letter: Letter, signal: AbortSignal) => Promise<string>) {
  const taken: string[] = [];
  const receiver: Receiver = {
    name: "scripted",
    async send(it, signal) {
      const answer = await act(it, signal);
      taken.push(it.id);
      return answer;
    },
  };
  return { receiver, taken };
}

/** Waits for what real sockets bring. */
async function until(isSo: () => boolean): Promise<void> {
  const endsAt = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < endsAt, "waited 10 s in vain");
    await settled();
  }
}

describe("an outbox", () => {
  let server: HttpReceiver;
  beforeEach(async () => {
    server = await startHttpReceiver();
  });
  afterEach(() => server.close());

  it("brings a message through a day of 500, and those after it, each once and in order", async () => {
    const receiver = await openReceiver(parseReceiverUrl(`${server.url}/hook`));
    const { outbox, clock, lines } = outboxOf(receiver);
    server.answer = answering(500, "down for maintenance");
    for (let n = 1; n <= 3; n += 1) outbox.post(letter(n));
    // While it sends there is the sending's own bound; no wait of the outbox is as long.
    const nap = async (): Promise<number> => {
      await until(() => clock.sleepsMs.length === 1 && clock.sleepsMs[0] !== sendMs);
      return clock.sleepsMs[0] ?? 0;
    };
    while (clock.monotonicMs() < dayMs) {
      const seen = server.received.length;
      await clock.advance(await nap());
      await until(() => server.received.length > seen);
    }
    const tries = server.received.length;
    assert.ok(tries > 280 && tries < 310, `${tries} tries in a day`);
    assert.ok(server.received.every(({ body }) => JSON.parse(body).id === "id-1"));
    server.answer = answering(204);
    await clock.advance(await nap());
    await until(() => server.received.length === tries + 3);
    const ids = server.received.slice(tries).map(({ body }) => JSON.parse(body).id);
    assert.deepEqual(ids, ["id-1", "id-2", "id-3"]);
    await outbox.close(1_000);
    // Once an hour, and not once a try.
    const failures = lines.filter((line) => line.startsWith("error"));
    assert.ok(failures.length >= 22 && failures.length <= 25, `${failures.length} lines`);
    assert.match(failures[0] ?? "", /couldn't be sent to webhook at .*: status 500: down for/);
    assert.equal(lines.filter((line) => /^info message sent/.test(line)).length, 3);
  });

  it("lets a receiver go that hangs, and tries again", async () => {
    let isHanging = true;
    const { receiver, taken } = scripted(async (_, signal) => {
      if (!isHanging) return "ok";
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason)),
      );
    });
    const { outbox, clock, lines } = outboxOf(receiver);
    outbox.post(letter(1));
    await settled();
    await clock.advance(20_000);
    assert.match(lines[0] ?? "", /no answer in 20 s/);
    isHanging = false;
    await clock.advance(5 * minuteMs);
    assert.deepEqual(taken, ["id-1"]);
    await outbox.close(1_000);
  });

  it("never holds up who posts, nor lets a receiver's defect through", async () => {
    const { receiver } = scripted(() => {
      throw new TypeError("a defect");
    });
    const { outbox, lines, clock } = outboxOf(receiver);
    outbox.post(letter(1));
    assert.deepEqual(lines, []);
    await settled();
    assert.match(lines[0] ?? "", /a defect in scb-mirror/);
    const closing = outbox.close(1_000);
    await settled();
    await clock.advance(1_000);
    await closing;
  });

  it("keeps fifty, and says what it drops", async () => {
    let isAway = true;
    const { receiver, taken } = scripted(async () => {
      if (isAway) throw new ScbError("undelivered", "away");
      return "";
    });
    const { outbox, clock, lines } = outboxOf(receiver);
    for (let n = 1; n <= 60; n += 1) outbox.post(letter(n));
    await settled();
    assert.equal(lines.filter((line) => /was dropped/.test(line)).length, 10);
    isAway = false;
    await clock.advance(5 * minuteMs);
    for (let turn = 0; turn < 60; turn += 1) await settled();
    assert.equal(taken.length, 50);
    assert.deepEqual([taken[0], taken.at(-1)], ["id-1", "id-60"]);
    await outbox.close(1_000);
  });

  it("sends what waits once more when it ends, and no longer than it may", async () => {
    let isAway = true;
    const { receiver, taken } = scripted(async () => {
      if (isAway) throw new ScbError("undelivered", "away");
      return "";
    });
    const first = outboxOf(receiver);
    first.outbox.post(letter(1));
    await settled();
    isAway = false;
    await first.outbox.close(1_000);
    assert.deepEqual(taken, ["id-1"]);

    const hanging = outboxOf(scripted(() => new Promise(() => undefined)).receiver);
    hanging.outbox.post(letter(2));
    await settled();
    const closing = hanging.outbox.close(1_000);
    await settled();
    await hanging.clock.advance(1_000);
    await closing;
    assert.match(hanging.lines.at(-1) ?? "", /still unsent/);
    await hanging.outbox.close(1_000);
  });
});
