import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { RunAlerts } from "../../src/app/run-alerts.ts";
import { loadSettings } from "../../src/app/settings.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type HttpReceiver, startHttpReceiver } from "../alerts/http-receiver.ts";
import { recovered, retrying } from "../alerts/simulated-run.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";

const minuteMs = 60_000;

let receiver: HttpReceiver;
beforeEach(async () => {
  receiver = await startHttpReceiver();
});
afterEach(() => receiver.close());

async function begin() {
  const clock = new ManualClock();
  const settings = loadSettings(
    { notify: receiver.url, to: "s3://bucket/lightning", node: "alice" },
    {},
  );
  const alerts = await RunAlerts.open({
    settings,
    clock,
    random: systemRandom,
    logger: silentLogger,
  });
  assert.ok(alerts !== null);
  const titles = (): string[] => receiver.received.map(({ body }) => JSON.parse(body).title);
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 10_000) await clock.advance(10_000);
  };
  /** Real sockets take their own time: the clock stands still until what is sent was taken. */
  const sent = async (count: number): Promise<string[]> => {
    for (let turn = 0; turn < 5_000 && receiver.received.length < count; turn += 1) await settled();
    return titles();
  };
  return { alerts, pass, sent, titles };
}

describe("a run that begins", () => {
  it("is nobody's business if nobody wants to be told", async () => {
    const settings = loadSettings({ to: "s3://bucket" }, {});
    const options = { settings, clock: new ManualClock(), random: systemRandom };
    assert.equal(await RunAlerts.open({ ...options, logger: silentLogger }), null);
  });

  it("tells what it waits for, once that lasts", async () => {
    const { alerts, pass, sent } = await begin();
    alerts.hear(retrying("node-locked"));
    await pass(4 * minuteMs);
    assert.deepEqual(await sent(0), []);
    await pass(2 * minuteMs);
    assert.deepEqual(await sent(1), ["scb-mirror: alice is NOT KNOWN to be safe: node-unread"]);
    assert.match(receiver.received[0]?.body ?? "", /it says node-locked/);
    await alerts.close();
  });

  it("tells nothing of a start that takes a minute", async () => {
    const { alerts, pass, sent } = await begin();
    alerts.hear(retrying("node-unavailable"));
    await pass(minuteMs);
    alerts.hear(recovered);
    alerts.begin({
      node: "alice",
      look: () => undefined,
      situation: () => ({ verdict: "safe", provedAtMs: 0, findings: [] }),
    });
    await pass(60 * minuteMs);
    assert.deepEqual(await sent(0), []);
    await alerts.close();
  });
});

describe("what ends a run", () => {
  const cases: readonly [code: ErrorCode, livedMs: number, isTold: boolean][] = [
    ["pointer-lost", 1_000, true],
    ["store-lies", 1_000, true],
    // A supervisor starts it again every ten seconds.
    ["store-denied", 1_000, false],
    ["store-denied", 10 * minuteMs, true],
    ["aborted", 10 * minuteMs, false],
    ["usage", 1_000, false],
  ];
  for (const [code, livedMs, isTold] of cases) {
    it(`is ${isTold ? "told" : "not told"}: ${code} after ${livedMs / 1000} s`, async () => {
      const { alerts, pass, titles } = await begin();
      alerts.begin({
        node: "alice",
        look: () => undefined,
        situation: () => ({ verdict: "safe", provedAtMs: 0, findings: [] }),
      });
      await pass(livedMs);
      await alerts.close(new ScbError(code, "this is why"));
      assert.equal(titles().length, isTold ? 1 : 0);
      if (!isTold) return;
      assert.match(titles()[0] ?? "", /alice is NOT SAFE: (?:pointer-lost|stopped)/);
      assert.match(receiver.received[0]?.body ?? "", /this is why/);
    });
  }
});
