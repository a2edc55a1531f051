import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NodeSurveyLoop } from "../../src/app/node-survey-loop.ts";
import type { NodeWitness, SnapshotSource } from "../../src/chanbackup/snapshot.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type { WatchedEvent } from "../../src/watched/events.ts";
import { ScriptedSource } from "../support/scripted-source.ts";

const witness: NodeWitness = {
  openChannelPoints: async () => ["aa:0", "bb:1"],
  channelPointsOf: async () => [],
  closedChannelPoints: async () => [],
  limboChannels: async () => [{ channelPoint: "cc:2", limboSat: 7, maturityHeight: null }],
};

function sourceWith(own: NodeWitness): SnapshotSource {
  const source = new ScriptedSource();
  return {
    description: "a node",
    witness: own,
    identify: () => source.identify(),
    snapshot: (reason) => source.snapshot(reason),
    changes: (signal) => source.changes(signal),
    close: async () => undefined,
  };
}

/** Runs the loop until it has told so many events; `sleeps` are the times that it wanted to wait. */
async function survey(source: SnapshotSource, wanted: number, hasten = false) {
  const events: WatchedEvent[] = [];
  const sleeps: number[] = [];
  const ended = new AbortController();
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      if (signal?.aborted === true) throw new ScbError("aborted", "stopped");
      sleeps.push(ms);
      nowMs += ms;
    },
  };
  const loop = new NodeSurveyLoop(source, clock);
  await loop.run((event) => {
    events.push(event);
    if (hasten) loop.hasten();
    if (events.length >= wanted) ended.abort();
  }, ended.signal);
  return { events, sleeps };
}

describe("asking the node for its channels", () => {
  it("tells what it has, with what is in it if the node says so", async () => {
    const [plain] = (await survey(sourceWith(witness), 1)).events;
    assert.deepEqual(plain, {
      kind: "surveyed",
      askedAtMs: 0,
      channels: {
        open: new Map([
          ["aa:0", null],
          ["bb:1", null],
        ]),
        limbo: new Map([["cc:2", 7]]),
      },
    });
    const openBalances = async () => new Map([["aa:0", 500]]);
    const [priced] = (await survey(sourceWith({ ...witness, openBalances }), 1)).events;
    assert.ok(priced?.kind === "surveyed");
    assert.deepEqual(priced.channels?.open, new Map([["aa:0", 500]]));
  });

  it("says when the node doesn't answer, and goes on", async () => {
    let asked = 0;
    const limboChannels: NodeWitness["limboChannels"] = async (signal) => {
      asked += 1;
      if (asked === 1) throw new ScbError("node-unavailable", "lnd is away");
      return witness.limboChannels(signal);
    };
    const { events } = await survey(sourceWith({ ...witness, limboChannels }), 2);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["retrying", "surveyed"],
    );
  });

  it("stops asking for what the macaroon doesn't allow, which is no absence", async () => {
    const limboChannels = async (): Promise<never> => {
      throw new ScbError("node-denied", "not allowed");
    };
    assert.deepEqual((await survey(sourceWith({ ...witness, limboChannels }), 1)).events, []);
  });

  it("takes a source without a node for what it would back up, if anybody opened that", async () => {
    const source = new ScriptedSource();
    const [unopened] = (await survey(source, 1)).events;
    assert.ok(unopened?.kind === "surveyed");
    assert.equal(unopened.channels, null);
    source.channelPoints = ["aa:0"];
    const [opened] = (await survey(source, 1)).events;
    assert.ok(opened?.kind === "surveyed");
    assert.deepEqual(opened.channels?.open, new Map([["aa:0", null]]));
  });

  it("comes every half minute, or a second after a swap", async () => {
    assert.deepEqual((await survey(sourceWith(witness), 3)).sleeps, [1000, 30_000, 1000, 30_000]);
    assert.deepEqual((await survey(sourceWith(witness), 3, true)).sleeps, [1000, 1000]);
  });
});
