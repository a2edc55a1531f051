import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelEvent, ChannelNotifier } from "../../src/chanbackup/channel-notifier.ts";
import { PushNotifier } from "../../src/chanbackup/push-notifier.ts";
import { demoChannel } from "../../src/node/demo-channel.ts";
import {
  type ChannelNotifierGround,
  channelNotifierChecks,
  channelNotifierSuite,
  runChannelNotifierCheck,
} from "../../src/testing/channel-notifier-suite.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";

function groundOf(push: PushNotifier, notifier: ChannelNotifier = push, patienceMs = 10_000) {
  return async (): Promise<ChannelNotifierGround> => ({
    notifier,
    patienceMs,
    async open() {
      const channel = demoChannel();
      push.opened(channel);
      return formatOutPoint(channel.fundingOutpoint);
    },
    close: async (channelPoint) => push.closed(channelPoint),
    [Symbol.asyncDispose]: async () => undefined,
  });
}

channelNotifierSuite("a PushNotifier", () => groundOf(new PushNotifier())());

/** What a wrong notifier makes of a right one's subscription. */
type Spoil = (
  push: PushNotifier,
  known: ReadonlySet<string>,
) => ReturnType<ChannelNotifier["subscribeChans"]>;

async function* mapped(
  events: AsyncIterable<ChannelEvent>,
  change: (event: ChannelEvent) => ChannelEvent,
): AsyncGenerator<ChannelEvent> {
  for await (const event of events) yield change(event);
}

const wrongNotifiers: readonly {
  readonly name: string;
  readonly caughtBy: string;
  readonly spoil: Spoil;
}[] = [
  {
    name: "begins with what comes after it",
    caughtBy: "a subscription begins",
    spoil: async (push, known) => {
      let isFirst = true;
      const subscription = await push.subscribeChans(known);
      return {
        ...subscription,
        chanUpdates: mapped(subscription.chanUpdates, (event) => {
          const told = isFirst ? { newChans: [], closedChans: [] } : event;
          isFirst = false;
          return told;
        }),
      };
    },
  },
  {
    name: "reports closed whatever the node doesn't know",
    caughtBy: "doesn't know isn't reported as closed",
    spoil: async (push, known) => {
      const subscription = await push.subscribeChans(known);
      return {
        ...subscription,
        chanUpdates: mapped(subscription.chanUpdates, (event) => ({
          ...event,
          closedChans: [...event.closedChans, ...[...known].slice(-1)],
        })),
      };
    },
  },
  {
    name: "never reports a close",
    caughtBy: "closed before the subscription",
    spoil: async (push, known) => {
      const subscription = await push.subscribeChans(known);
      return {
        ...subscription,
        chanUpdates: mapped(subscription.chanUpdates, (event) => ({ ...event, closedChans: [] })),
      };
    },
  },
  {
    name: "spells channel points in capitals",
    caughtBy: "channels that open and close later",
    spoil: async (push, known) => {
      const subscription = await push.subscribeChans(known);
      return {
        ...subscription,
        chanUpdates: mapped(subscription.chanUpdates, (event) => ({
          ...event,
          closedChans: event.closedChans.map((point) => point.toUpperCase()),
        })),
      };
    },
  },
  {
    name: "keeps only the last channel for one who is busy",
    caughtBy: "nothing is lost",
    spoil: async (push, known) => {
      const subscription = await push.subscribeChans(known);
      return {
        ...subscription,
        chanUpdates: mapped(subscription.chanUpdates, (event) => ({
          ...event,
          newChans: event.newChans.slice(-1),
        })),
      };
    },
  },
  {
    name: "doesn't heed its cancel",
    caughtBy: "a cancel ends",
    spoil: async (push, known) => ({
      ...(await push.subscribeChans(known)),
      cancel: () => undefined,
    }),
  },
];

describe("the suite for notifiers catches one that", () => {
  for (const { name, caughtBy, spoil } of wrongNotifiers) {
    it(name, async () => {
      const checks = channelNotifierChecks.filter((check) => check.name.includes(caughtBy));
      assert.equal(checks.length, 1, `no check, or several, are named "… ${caughtBy} …"`);
      for (const check of checks) {
        const push = new PushNotifier();
        const notifier = { subscribeChans: (known: ReadonlySet<string>) => spoil(push, known) };
        const running = runChannelNotifierCheck(check, groundOf(push, notifier, 300));
        await assert.rejects(running, assert.AssertionError, `"${check.name}" passed`);
      }
    });
  }
});

async function first(notifier: PushNotifier, known: readonly string[]): Promise<ChannelEvent> {
  const subscription = await notifier.subscribeChans(new Set(known));
  const next = await subscription.chanUpdates[Symbol.asyncIterator]().next();
  subscription.cancel();
  assert.ok(next.done !== true);
  return next.value;
}

describe("a PushNotifier", { timeout: 20_000 }, () => {
  const channel = demoChannel();
  const point = formatOutPoint(channel.fundingOutpoint);

  it("refuses at once what no backup can hold, and what is no channel point", () => {
    const notifier = new PushNotifier();
    assert.throws(() => notifier.opened({ ...channel, capacitySat: -1 }), { code: "encode" });
    for (const wrong of ["", "0:1", `${point}x`, point.replace(":", "")]) {
      assert.throws(() => notifier.closed(wrong), { code: "decode" }, wrong);
    }
  });

  it("takes another spelling of a channel point", async () => {
    const notifier = new PushNotifier();
    notifier.opened(channel);
    notifier.closed(point.toUpperCase());
    assert.deepEqual(await first(notifier, [point]), { newChans: [], closedChans: [point] });
  });

  it("tells of a change to a known channel that came while nobody listened", async () => {
    const notifier = new PushNotifier();
    const changed = { ...channel, capacitySat: 7 };
    notifier.opened(changed);
    assert.deepEqual((await first(notifier, [point])).newChans, [changed]);
  });

  it("tells again what its subscriber was given and never came back from", async () => {
    const notifier = new PushNotifier();
    notifier.opened(channel);
    await first(notifier, []);
    assert.deepEqual((await first(notifier, [point])).newChans, [channel]);
  });

  it("folds what comes while its subscriber is busy into the last word on each channel", async () => {
    const notifier = new PushNotifier();
    const subscription = await notifier.subscribeChans(new Set());
    for (let capacitySat = 1; capacitySat <= 1_000; capacitySat += 1) {
      notifier.opened({ ...channel, capacitySat });
    }
    const next = await subscription.chanUpdates[Symbol.asyncIterator]().next();
    assert.ok(next.done !== true);
    assert.deepEqual(next.value.newChans, [{ ...channel, capacitySat: 1_000 }]);
    subscription.cancel();
  });

  it("ends when its signal aborts", async () => {
    const notifier = new PushNotifier();
    const stop = new AbortController();
    const { chanUpdates } = await notifier.subscribeChans(new Set(), stop.signal);
    const ending = chanUpdates[Symbol.asyncIterator]().next();
    stop.abort();
    assert.equal((await ending).done, true);
  });
});
