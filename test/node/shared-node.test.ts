import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Snapshot, SnapshotReason, SnapshotSource } from "../../src/chanbackup/snapshot.ts";
import { DueReason } from "../../src/node/due-reason.ts";
import { SharedNode } from "../../src/node/shared-node.ts";
import { ScbError } from "../../src/runtime/error.ts";

/** A node that counts what it is asked, and says what it is told to say. */
class CountingNode implements SnapshotSource {
  readonly description = "a counting node";
  readonly asked: string[] = [];
  readonly due = new DueReason();
  listeners = 0;
  /** Of the state that it is in. */
  state = 0;
  readonly witness = {
    openChannelPoints: () => this.#answer("open"),
    closedChannelPoints: () => this.#answer("closed"),
    channelPointsOf: (packed: Uint8Array) => this.#answer(`points of ${packed.length}`),
    limboChannels: async () => {
      await this.#answer("limbo");
      return [];
    },
  };

  async identify() {
    return { pubkey: null, network: null };
  }

  async snapshot(reason: SnapshotReason): Promise<Snapshot> {
    const takenAt = this.state;
    await this.#answer(`snapshot ${reason}`);
    return {
      packed: new Uint8Array() as Snapshot["packed"],
      channelPoints: null,
      bareChannelPoints: null,
      limbo: null,
      takenAt,
      reason,
      verifiedBy: null,
    };
  }

  async *changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    this.listeners += 1;
    try {
      yield "start";
      yield* this.due.drain(signal);
    } finally {
      this.listeners -= 1;
    }
  }

  async close(): Promise<void> {}

  async #answer(what: string): Promise<readonly string[]> {
    this.asked.push(what);
    await setImmediate();
    return [what];
  }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await setImmediate();
}

/** Hears a view until it is stopped. */
function hear(view: SnapshotSource): { readonly heard: string[]; stop(): Promise<void> } {
  const heard: string[] = [];
  const ended = new AbortController();
  const hearing = (async () => {
    try {
      for await (const reason of view.changes(ended.signal)) heard.push(reason);
    } catch (error) {
      heard.push(ScbError.from(error).code);
    }
  })();
  return {
    heard,
    stop: async () => {
      ended.abort();
      await hearing;
    },
  };
}

it("is asked for one snapshot by mirrors that want one at the same moment, for the weightiest reason", async () => {
  const node = new CountingNode();
  const shared = new SharedNode(node);
  const [a, b, c] = [shared.view(), shared.view(), shared.view()];
  const taken = await Promise.all([
    a.snapshot("start"),
    b.snapshot("channel-event"),
    c.snapshot("refresh"),
  ]);
  assert.deepEqual(node.asked, ["snapshot channel-event"]);
  assert.equal(new Set(taken).size, 1);
});

it("gives each mirror a snapshot from after its question", async () => {
  const node = new CountingNode();
  const shared = new SharedNode(node);
  const early = shared.view().snapshot("start");
  while (node.asked.length === 0) await setImmediate();
  node.state = 1;
  const late = await shared.view().snapshot("start");
  assert.equal((await early).takenAt, 0);
  assert.equal(late.takenAt, 1);
});

it("is asked once for what several mirrors want to know of its channels", async () => {
  const node = new CountingNode();
  const shared = new SharedNode(node);
  const [a, b] = [shared.view().witness, shared.view().witness];
  assert.ok(a !== null && b !== null);
  const one = new Uint8Array(1) as Snapshot["packed"];
  const two = new Uint8Array(2) as Snapshot["packed"];
  await Promise.all([a.closedChannelPoints(), b.closedChannelPoints()]);
  const opened = [a.channelPointsOf(one), b.channelPointsOf(one), b.channelPointsOf(two)];
  assert.deepEqual(await Promise.all(opened), [["points of 1"], ["points of 1"], ["points of 2"]]);
  assert.deepEqual(node.asked.sort(), ["closed", "points of 1", "points of 2"]);
});

it("tells each mirror of each change over one stream, and who comes late that it begins", async () => {
  const node = new CountingNode();
  const shared = new SharedNode(node);
  const first = hear(shared.view());
  await settled();
  const second = hear(shared.view());
  await settled();
  node.due.put("channel-event");
  await settled();
  assert.equal(node.listeners, 1);
  assert.deepEqual(first.heard, ["start", "channel-event"]);
  assert.deepEqual(second.heard, ["start", "channel-event"]);
  await first.stop();
  assert.equal(node.listeners, 1);
  await second.stop();
  assert.equal(node.listeners, 0);
});

it("a stream that fails ends all who hear it, and is begun anew by who comes then", async () => {
  const node = new CountingNode();
  const shared = new SharedNode(node);
  const [a, b] = [hear(shared.view()), hear(shared.view())];
  await settled();
  node.due.fail(new ScbError("internal", "a defect"));
  await settled();
  assert.deepEqual([a.heard.at(-1), b.heard.at(-1)], ["internal", "internal"]);
  await Promise.all([a.stop(), b.stop()]);
  assert.equal(node.listeners, 0);
});
