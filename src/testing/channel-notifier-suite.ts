import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "../chanbackup/channel-notifier.ts";
import { newSingle } from "../chanbackup/new-single.ts";
import { serializeSingle } from "../chanbackup/single-codec.ts";
import { systemRandom } from "../runtime/random.ts";
import { canonicalOutPoint, formatOutPoint } from "../wire/out-point.ts";

/** A fresh node without channels, and its notifier. */
export interface ChannelNotifierGround extends AsyncDisposable {
  readonly notifier: ChannelNotifier;
  /** Makes the node open a channel. Resolves with its channel point once the node has it. */
  open(): Promise<string>;
  /** Makes the node close it. Resolves once the node calls it fully resolved. */
  close(channelPoint: string): Promise<void>;
  /** How long to wait for an event. Default 10 s. */
  readonly patienceMs?: number;
}

/** One promise of `ChannelNotifier`. `run` rejects if the notifier breaks it. */
export interface ChannelNotifierCheck {
  readonly name: string;
  run(ground: ChannelNotifierGround): Promise<void>;
}

/** A channel point that no node knows. */
const unknownPoint = (): string => formatOutPoint({ txid: systemRandom.bytes(32), index: 0 });

/** The latest report of a subscription on each channel. */
class Ear {
  readonly #events: AsyncIterator<ChannelEvent>;
  readonly #patienceMs: number;
  readonly opened = new Set<string>();
  readonly closed = new Set<string>();

  constructor(
    { chanUpdates }: ChannelSubscription,
    { patienceMs = 10_000 }: ChannelNotifierGround,
  ) {
    this.#events = chanUpdates[Symbol.asyncIterator]();
    this.#patienceMs = patienceMs;
  }

  /** Listens until all of these were reported. */
  async hears(wanted: { readonly opened?: string[]; readonly closed?: string[] }): Promise<void> {
    const { opened = [], closed = [] } = wanted;
    const missing = (): string[] => [
      ...opened.filter((point) => !this.opened.has(point)).map((point) => `${point} opened`),
      ...closed.filter((point) => !this.closed.has(point)).map((point) => `${point} closed`),
    ];
    while (missing().length > 0) {
      const next = await this.#within(this.#events.next(), `not reported: ${missing().join(", ")}`);
      assert.ok(
        next.done !== true,
        `the events ended before this was reported: ${missing().join(", ")}`,
      );
      this.#take(next.value);
    }
  }

  /** The next result, and whether it is the end. */
  async end(): Promise<boolean> {
    for (;;) {
      const next = await this.#within(this.#events.next(), "the events didn't end");
      if (next.done === true) return true;
      this.#take(next.value);
    }
  }

  #take({ newChans, closedChans }: ChannelEvent): void {
    for (const channel of newChans) {
      serializeSingle(newSingle(channel));
      const point = formatOutPoint(channel.fundingOutpoint);
      this.opened.add(point);
      this.closed.delete(point);
    }
    for (const point of closedChans) {
      assert.equal(point, canonicalOutPoint(point), "a channel point in a different notation");
      this.closed.add(point);
      this.opened.delete(point);
    }
  }

  async #within<T>(promise: Promise<T>, otherwise: string): Promise<T> {
    const done = new AbortController();
    const late = delay(this.#patienceMs, null, { signal: done.signal }).then(
      () => assert.fail(`${otherwise} (within ${this.#patienceMs} ms)`),
      () => promise,
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      done.abort();
    }
  }
}

async function subscribe(ground: ChannelNotifierGround, known: readonly string[]) {
  const subscription = await ground.notifier.subscribeChans(new Set(known));
  return { subscription, ear: new Ear(subscription, ground) };
}

/** Every promise of `ChannelNotifier`, as a table, so that a test can break each of them. */
export const channelNotifierChecks: readonly ChannelNotifierCheck[] = [
  {
    name: "a subscription begins with the open channels that aren't known",
    async run(ground) {
      const [known, unknown, other] = [
        await ground.open(),
        await ground.open(),
        await ground.open(),
      ];
      const { subscription, ear } = await subscribe(ground, [known]);
      await ear.hears({ opened: [unknown, other] });
      subscription.cancel();
    },
  },
  {
    name: "a known channel that closed before the subscription is reported",
    async run(ground) {
      const [closed, open] = [await ground.open(), await ground.open()];
      await ground.close(closed);
      const { subscription, ear } = await subscribe(ground, [closed, open]);
      await ear.hears({ closed: [closed] });
      assert.deepEqual([...ear.closed], [closed]);
      subscription.cancel();
    },
  },
  {
    name: "a known channel that the node doesn't know isn't reported as closed",
    async run(ground) {
      const open = await ground.open();
      const { subscription, ear } = await subscribe(ground, [open, unknownPoint()]);
      // Everything that the subscription begins with comes before this.
      await ear.hears({ opened: [await ground.open()] });
      assert.deepEqual([...ear.closed], []);
      subscription.cancel();
    },
  },
  {
    name: "channels that open and close later are reported",
    async run(ground) {
      const first = await ground.open();
      const { subscription, ear } = await subscribe(ground, [first]);
      const second = await ground.open();
      await ear.hears({ opened: [second] });
      await ground.close(first);
      await ear.hears({ closed: [first] });
      await ground.close(second);
      await ear.hears({ closed: [second] });
      subscription.cancel();
    },
  },
  {
    name: "nothing is lost while the subscriber is busy",
    async run(ground) {
      const first = await ground.open();
      const { subscription, ear } = await subscribe(ground, [first]);
      const [second, third, fourth] = [
        await ground.open(),
        await ground.open(),
        await ground.open(),
      ];
      await ground.close(first);
      await ear.hears({ opened: [second, third, fourth], closed: [first] });
      subscription.cancel();
    },
  },
  {
    name: "two subscriptions both receive everything",
    async run(ground) {
      const one = await subscribe(ground, []);
      const other = await subscribe(ground, []);
      const point = await ground.open();
      await one.ear.hears({ opened: [point] });
      await other.ear.hears({ opened: [point] });
      one.subscription.cancel();
      await ground.close(point);
      await other.ear.hears({ closed: [point] });
      other.subscription.cancel();
    },
  },
  {
    name: "a cancel ends the events, even while a caller waits for them; it may be repeated",
    async run(ground) {
      const { subscription, ear } = await subscribe(ground, []);
      const ending = ear.end();
      subscription.cancel();
      assert.ok(await ending);
      subscription.cancel();
      assert.ok(await ear.end());
    },
  },
  {
    name: "channels that open and close between two subscriptions are reported to the second",
    async run(ground) {
      const [first, second] = [await ground.open(), await ground.open()];
      const before = await subscribe(ground, []);
      await before.ear.hears({ opened: [first, second] });
      before.subscription.cancel();
      await ground.close(first);
      const third = await ground.open();
      const { subscription, ear } = await subscribe(ground, [first, second]);
      await ear.hears({ opened: [third], closed: [first] });
      assert.ok(!ear.closed.has(second));
      subscription.cancel();
    },
  },
];

/** Runs one check on a fresh ground. */
export async function runChannelNotifierCheck(
  check: ChannelNotifierCheck,
  newGround: () => Promise<ChannelNotifierGround>,
): Promise<void> {
  await using ground = await newGround();
  await check.run(ground);
}

/** Registers the suite with node:test for one implementation. */
export function channelNotifierSuite(
  name: string,
  newGround: () => Promise<ChannelNotifierGround>,
): void {
  describe(`${name} keeps the promises of ChannelNotifier`, () => {
    for (const check of channelNotifierChecks) {
      it(check.name, () => runChannelNotifierCheck(check, newGround));
    }
  });
}
