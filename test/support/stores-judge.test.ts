import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BackupChannels, NodeStates } from "./node-states.ts";
import {
  eventTimes,
  returnTimes,
  type StoresTimeline,
  type StoreTimeline,
  wrongVerdicts,
} from "./stores-judge.ts";

const bounds = { required: 2, unsavedMs: 1_000, settleMs: 1_000 };
const statesAtMs = [0, 10_000, 20_000, 30_000];

/** A store that holds each state `afterMs` after the node does, and is read ten times a second. */
function store(name: string, away: StoreTimeline["away"] = [], afterMs = 50): StoreTimeline {
  const heldAt = (state: number): number => {
    const atMs = (statesAtMs[state] ?? 0) + afterMs;
    return away.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)?.toMs ?? atMs;
  };
  const reads = Array.from({ length: 400 }, (_, index) => index * 100)
    .filter((atMs) => away.every(({ fromMs, toMs }) => atMs < fromMs || atMs > toMs))
    .map((atMs) => ({
      atMs,
      state: statesAtMs.findLastIndex((_, state) => heldAt(state) <= atMs),
    }));
  const commits = statesAtMs.map((_, state) => ({ atMs: heldAt(state), state }));
  return { name, reads, commits, away };
}

function timeline(
  stores: readonly StoreTimeline[],
  told: readonly (readonly [number, string])[],
): StoresTimeline {
  const said = told.map(([atMs, verdict]) => ({ atMs, verdict, findings: "" }));
  return { statesAtMs, stores, told: said, untilMs: 40_000 };
}

const oneAway = [store("one"), store("two"), store("three", [{ fromMs: 9_000, toMs: 25_000 }])];
const twoAway = [
  store("one"),
  store("two", [{ fromMs: 9_000, toMs: 15_000 }]),
  store("three", [{ fromMs: 9_000, toMs: 25_000 }]),
];
/** One that holds nothing of what it acknowledged since the first state. */
const liar = {
  ...store("three"),
  reads: store("three").reads.map(({ atMs }) => ({ atMs, state: 0 })),
};

describe("the judge of a run on several stores", () => {
  const honest: readonly (readonly [string, StoresTimeline])[] = [
    ["safe while one is away", timeline(oneAway, [[100, "safe"]])],
    [
      "unsafe while two are away",
      timeline(twoAway, [
        [100, "safe"],
        [10_500, "unsafe"],
        [15_500, "safe"],
      ]),
    ],
    [
      "safe beside a store that holds nothing",
      timeline([store("one"), store("two"), liar], [[100, "safe"]]),
    ],
  ];
  for (const [name, told] of honest) {
    it(`finds nothing wrong: ${name}`, () => assert.deepEqual(wrongVerdicts(told, bounds), []));
  }

  const forced: readonly (readonly [string, StoresTimeline, number])[] = [
    ["safe whatever happens", timeline(twoAway, [[100, "safe"]]), 11_000],
    [
      "safe too early",
      timeline(twoAway, [
        [100, "safe"],
        [10_500, "unsafe"],
        [12_000, "safe"],
      ]),
      12_000,
    ],
    [
      "unsafe once and for all",
      timeline(oneAway, [
        [100, "safe"],
        [200, "unsafe"],
      ]),
      1_050,
    ],
    [
      "unknown once and for all",
      timeline(oneAway, [
        [100, "safe"],
        [200, "unknown"],
      ]),
      1_050,
    ],
    [
      "unsafe because of one dead store",
      timeline(oneAway, [
        [100, "safe"],
        [12_000, "unsafe"],
        [12_500, "safe"],
      ]),
      12_000,
    ],
    [
      "safe with two stores that lost it",
      timeline([store("one"), liar, liar], [[100, "safe"]]),
      11_000,
    ],
  ];
  for (const [name, told, fromMs] of forced) {
    it(`finds it wrong: ${name}`, () => {
      const [first] = wrongVerdicts(told, bounds);
      assert.ok(first !== undefined);
      assert.ok(Math.abs(first.atMs - fromMs) <= 100, `${first.atMs} ms: ${first.why}`);
    });
  }

  it("times each event by the second store, beside one that is mirrored alone", () => {
    const slow = [store("one"), store("two", [], 90), store("three", [], 500)];
    const times = eventTimes(
      timeline(slow, []),
      [store("lone", [], 40), store("alone", [], 60)],
      2,
    );
    assert.deepEqual(
      times.map(({ tookMs, ownMs, apartMs }) => [tookMs, ownMs, apartMs]),
      [
        [90, 60, 20],
        [90, 60, 20],
        [90, 60, 20],
      ],
    );
    // What comes while two are away can't be saved in two.
    assert.deepEqual(
      eventTimes(timeline(twoAway, []), [store("lone"), store("alone")], 2).map(
        ({ state }) => state,
      ),
      [2, 3],
    );
  });

  it("times each return, and notices one that never is level", () => {
    assert.deepEqual(returnTimes(timeline(oneAway, [])), [100]);
    const lost = { ...liar, away: [{ fromMs: 9_000, toMs: 15_000 }] };
    assert.deepEqual(returnTimes(timeline([lost], [])), [Number.POSITIVE_INFINITY]);
  });
});

describe("a node's states", () => {
  const holding = (...channels: readonly string[]): BackupChannels =>
    new Map(channels.map((channel) => channel.split("@") as [string, string]));

  it("place each backup by what it holds", () => {
    const states = new NodeStates();
    const heard = [
      holding(),
      holding("a@0"),
      holding("a@0", "b@0"),
      holding("a@1", "b@1"),
      holding("a@1", "b@1"),
      holding("b@1"),
    ];
    for (const [index, each] of heard.entries()) states.hear(each, index);
    assert.equal(states.newest, 4);
    assert.deepEqual(
      heard.map((each) => states.indexOf(each)),
      [0, 1, 2, 3, 3, 4],
    );
    // Between two that were heard.
    assert.equal(states.indexOf(holding("a@1", "b@0")), 2);
    assert.equal(states.indexOf(holding("a@1")), 1);
  });
});
