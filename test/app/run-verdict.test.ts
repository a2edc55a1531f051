import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunEvent } from "../../src/app/run-verdict.ts";
import { RunVerdict } from "../../src/app/run-verdict.ts";
import { drillReport, drillVerdicts } from "../../src/checks/drill/drill-report.ts";
import { type FindingCode, findingOf, verdictOf } from "../../src/checks/finding.ts";
import { ScbError } from "../../src/runtime/error.ts";

const minuteMs = 60_000;
const busy = new ScbError("store-busy", "the store asks to come back later");
const away = new ScbError("node-unavailable", "lnd is away");
const wentBack = new ScbError("went-back", "it went back");
function drilled(code: FindingCode): RunEvent {
  const findings = [findingOf(code, "s3://bucket/node", "as it was seen")];
  const verdict = drillVerdicts[verdictOf(findings)];
  const nothing = { version: null, also: [], covered: null, channels: [], notChecked: [] };
  const facts = {
    ...{ node: "node", ok: false, verdict, at: "2026-11-29T00:00:00Z", durationMs: 1, ...nothing },
    opened: { hash: null, key: null, lnd: null },
    counts: {
      ...{ inBackup: null, open: null, missing: null },
      ...{ comesBackSat: null, limboSat: null, lostLimboSat: null },
    },
    recordedAs: null,
  } as const;
  return { kind: "drilled", report: drillReport(facts, findings), store: "s3://bucket/node" };
}

const commit = {
  sequence: 1,
  key: "k",
  sha256: "",
  sizeBytes: 1,
  channels: 1,
  operation: "o",
};
const swapped = {
  kind: "swapped",
  commit,
  covers: null,
  reason: "start",
  attempts: 1,
  elapsedMs: 1,
} as const;
const unchanged = {
  kind: "unchanged",
  reason: "start",
  sequence: 1,
  covers: null,
  held: null,
  writer: null,
} as const;
const looked = { kind: "confirmed", depth: "pointer" } as const;
const readBack = { kind: "confirmed", depth: "version" } as const;
const retrying = { kind: "retrying", error: busy, attempt: 1, retryInMs: 100 } as const;
const lost = { kind: "lost", error: wentBack } as const;
const refused: RunEvent = {
  kind: "refused",
  reason: "start",
  error: busy,
  code: "empty",
  message: "it is empty",
  quarantineKey: "quarantine/x.backup",
};

function listen(
  uncovered: readonly string[] = [],
  missingAlso: readonly ScbError[] = [],
  lookIntervalMs = 5 * minuteMs,
) {
  let nowMs = 1_000_000;
  const told: string[] = [];
  const verdict = new RunVerdict({
    store: "s3://bucket/node",
    lookIntervalMs,
    clock: { now: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined },
    limbo: () => ({ uncovered, missingAlso }),
    tell: (word, findings) => told.push([word, ...findings.map(({ code }) => code)].join(" ")),
  });
  const hear = (...events: readonly RunEvent[]): string[] => {
    for (const event of events) verdict.hear(event);
    return told;
  };
  return { hear, verdict, pass: (ms: number) => (nowMs += ms) };
}

describe("the verdict of a run", () => {
  const cases: readonly [string, readonly RunEvent[], readonly string[]][] = [
    ["isn't told by the store's answer to a swap alone", [swapped], []],
    ["is safe once what was saved is read back", [swapped, readBack], ["safe"]],
    ["is safe if the store was read back and holds the state", [unchanged], ["safe"]],
    ["is told once while nothing changes", [unchanged, looked, looked], ["safe"]],
    [
      "is unsafe while a state can't be saved",
      [unchanged, retrying, swapped],
      ["safe", "unsafe not-saved", "safe"],
    ],
    [
      "isn't known while the node is away",
      [unchanged, { ...retrying, error: away }, { kind: "recovered", attempts: 2 }],
      ["safe", "unknown node-unread", "safe"],
    ],
    [
      "is known again once the node has given what is refused, and then saved",
      [unchanged, { ...retrying, error: away }, refused, swapped],
      ["safe", "unknown node-unread", "unsafe refused", "safe"],
    ],
    [
      "isn't known while the node's source can't hear it, whatever is saved",
      [unchanged, { ...retrying, error: away, store: null }, swapped],
      ["safe", "unknown node-unread"],
    ],
    [
      "goes on being unsafe when the node is back, and the store isn't",
      [unchanged, retrying, { kind: "recovered", attempts: 2, store: null }],
      ["safe", "unsafe not-saved"],
    ],
    ["is unsafe after a refusal, until a swap", [unchanged, refused], ["safe", "unsafe refused"]],
    [
      "is unsafe after a loss, until what was saved anew is read back",
      [unchanged, lost, swapped, looked, readBack],
      ["safe", "unsafe went-back unproved", "unsafe went-back", "safe"],
    ],
  ];
  for (const [name, events, expected] of cases) {
    it(name, () => assert.deepEqual(listen().hear(...events), expected));
  }

  it("goes by the last drill that could judge, not by one that saw too little", () => {
    const cases = [
      [drilled("node-unread"), "safe"],
      [drilled("version-unproven"), "unsafe"],
      [drilled("version-damaged"), "unsafe"],
    ] as const;
    for (const [event, expected] of cases) {
      const { hear, verdict } = listen();
      hear(unchanged, event);
      assert.equal(verdict.judge().verdict, expected);
      hear(drilled("node-unread"));
      assert.equal(verdict.judge().verdict, expected);
    }
  });

  it("knows when the version was read back, which a look at the pointer isn't", () => {
    const { hear, verdict, pass } = listen();
    hear(swapped, looked);
    assert.equal(verdict.readBackAtMs, null);
    pass(minuteMs);
    hear(readBack);
    const at = verdict.readBackAtMs;
    assert.ok(at !== null);
    pass(minuteMs);
    hear(looked);
    assert.equal(verdict.readBackAtMs, at);
    hear(lost);
    assert.equal(verdict.readBackAtMs, null);
  });

  it("is unsafe while nothing holds funds in limbo", () => {
    assert.deepEqual(listen(["aa:0"]).hear(unchanged), ["unsafe limbo-not-covered"]);
    assert.deepEqual(listen([], [busy]).hear(unchanged), ["unsafe also-missing"]);
  });

  it("stays safe after a look that could not be made at once", () => {
    const { hear, pass } = listen();
    hear(unchanged, retrying, { kind: "recovered", attempts: 2 }, readBack);
    pass(minuteMs);
    assert.deepEqual(hear(looked), ["safe", "unsafe not-saved", "safe"]);
  });

  it("isn't known if no look has come for long, whatever was told", () => {
    const { hear, verdict, pass } = listen();
    hear(unchanged);
    pass(9 * minuteMs);
    assert.equal(verdict.judge().verdict, "safe");
    pass(3 * minuteMs);
    assert.equal(verdict.judge().verdict, "unknown");
  });

  it("takes a drill at its word, but for one that couldn't look", () => {
    assert.deepEqual(listen().hear(unchanged, drilled("not-covered")), [
      "safe",
      "unsafe drill-failed",
    ]);
    assert.deepEqual(listen().hear(unchanged, drilled("time-in-future")), [
      "safe",
      "unsafe drill-failed",
    ]);
    for (const code of ["node-unread", "store-unread"] as const) {
      assert.deepEqual(listen().hear(unchanged, drilled(code)), ["safe"]);
    }
  });

  it("tells by itself what time has made of it, once", () => {
    const { hear, verdict, pass } = listen();
    const told = hear(unchanged);
    for (const minutes of [9, 3, 3]) {
      pass(minutes * minuteMs);
      verdict.review();
    }
    assert.deepEqual(told, ["safe", "unknown unproved"]);
  });

  it("stays known while a mirror is too busy to look as often as it would if it were idle", () => {
    const { hear, verdict, pass } = listen([], [], 1_000);
    const told = hear(unchanged);
    // Such a mirror looks when the first of these is 10 s old, and one of them may cut that look off.
    for (let second = 0; second < 15; second += 1) {
      pass(1_000);
      hear(swapped);
    }
    assert.deepEqual(told, ["safe"]);
    pass(20_000);
    verdict.review();
    assert.deepEqual(told, ["safe", "unknown unproved"]);
  });
});
