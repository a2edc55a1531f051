import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { CurrentSeen, FolderEvidence } from "../../src/checks/evidence.ts";
import { type FindingCode, findingOf, verdictOf } from "../../src/checks/finding.ts";
import type { Requirement } from "../../src/checks/requirement.ts";
import {
  compareStores,
  heldState,
  newest,
  type SeenStore,
} from "../../src/checks/stores-compared.ts";
import { judgeStores } from "../../src/checks/stores-verdict.ts";
import { pointerBase } from "../../src/repository/base.ts";
import { versionKey } from "../../src/repository/layout.ts";
import type { Pointer } from "../../src/repository/pointer.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";

const now = Date.parse("2026-11-30T12:00:00Z");
const minuteMs = 60_000;
const minutesAgo = (minutes: number): number => now - minutes * minuteMs;

interface Held {
  /** What is in it: the same text is the same bytes. */
  readonly bytes?: string;
  readonly points?: string | null;
  readonly bare?: number | null;
  readonly at?: number;
  /** By the store's clock. */
  readonly storedAt?: number;
  readonly sequence?: number;
  readonly writer?: string;
  readonly operation?: string;
  readonly recent?: readonly string[];
  readonly also?: readonly string[];
  readonly pubkey?: string | null;
}

let operations = 0;

function pointerOf(held: Held): Pointer {
  operations += 1;
  const { bytes = "state", points = null, bare = null, at = minutesAgo(1), sequence = 7 } = held;
  const operation = held.operation ?? String(operations).padStart(26, "0");
  return {
    schema: 1,
    sequence,
    version: { key: versionKey(sequence, operation), size: 700, sha256: sha256Hex(bytes) },
    previous: null,
    committedAt: new Date(at).toISOString(),
    writer: held.writer ?? "scb-mirror/1 host 1",
    operation,
    recentOperations: [...(held.recent ?? []), operation],
    node: { pubkey: held.pubkey ?? null, network: null },
    verifiedBy: null,
    channels: null,
    channelPointsSha256: points === null ? null : sha256Hex(points),
    bareChannels: bare,
    ...(held.also === undefined
      ? {}
      : {
          alsoRestore: [
            { key: versionKey(1, operation), sha256: null, channelPoints: [...held.also] },
          ],
        }),
  };
}

function folderOf(store: string, current: FolderEvidence["current"]): FolderEvidence {
  const none = { known: true, value: null } as const;
  return {
    store: `${store}/alice`,
    node: "alice",
    current,
    version: null,
    also: [],
    beyond: { known: true, value: [] },
    refusals: { known: true, value: [] },
    lastDrill: none,
    lastRestore: none,
    attested: { known: true, value: { kind: "none" } },
  };
}

/** A store as it was seen, and what was found of it alone. */
function seen(store: string, held: Held | null, ...found: readonly FindingCode[]): SeenStore {
  const findings = found.map((code) => findingOf(code, store, `seen: ${code}`));
  const value = (): CurrentSeen => {
    if (held === null) return { kind: "none" };
    const pointer = pointerOf(held);
    const base = pointerBase(pointer, "etag", held.storedAt);
    return base.held === null ? { kind: "none" } : { kind: "held", held: base.held, pointer };
  };
  const folder = folderOf(store, { known: true, value: value() });
  return { store, folder, findings, verdict: verdictOf(findings) };
}

const codesOf = (stores: readonly SeenStore[], requirement: Requirement = "all"): string[] =>
  compareStores(stores, now, requirement).flatMap(({ store, findings }) =>
    findings.map(({ code }) => `${store}: ${code}`),
  );

describe("stores compared", () => {
  const old: Held = { bytes: "old", at: minutesAgo(60) };
  const young: Held = { bytes: "young", at: minutesAgo(1) };
  const other = "scb-mirror/1 another-host 1";
  const cases: readonly (readonly [string, readonly SeenStore[], readonly string[]])[] = [
    ["the same bytes are the same state", [seen("a", {}), seen("b", { at: minutesAgo(9) })], []],
    [
      "the same channels packed anew are the same state",
      [
        seen("a", { bytes: "x", points: "p" }),
        seen("b", { bytes: "y", points: "p", at: minutesAgo(90) }),
      ],
      [],
    ],
    [
      "the same channels, of which one holds less, are not",
      [
        seen("a", { bytes: "x", points: "p", bare: 0, at: minutesAgo(90) }),
        seen("b", { bytes: "y", points: "p", bare: 1 }),
      ],
      ["a: store-behind"],
    ],
    [
      "the same bytes are not, if one lacks what is needed besides",
      [seen("a", { at: minutesAgo(60) }), seen("b", { also: ["11:0"] })],
      ["a: store-behind"],
    ],
    ["one is behind, by an hour", [seen("a", old), seen("b", young)], ["a: store-behind"]],
    [
      "its sequence makes nothing newer",
      [seen("a", { ...old, sequence: 900 }), seen("b", { ...young, sequence: 2 })],
      ["a: store-behind"],
    ],
    [
      "one program's clock tells seconds, also when it was started anew",
      [
        seen("a", { bytes: "x", at: minutesAgo(2), writer: "scb-mirror/1 host 1" }),
        seen("b", { bytes: "y", at: minutesAgo(1), writer: "scb-mirror/1 host 22" }),
      ],
      ["a: store-behind"],
    ],
    [
      "two programs' clocks don't",
      [
        seen("a", { bytes: "x", at: minutesAgo(2) }),
        seen("b", { bytes: "y", at: minutesAgo(1), writer: other }),
      ],
      ["a: stores-disagree", "b: stores-disagree"],
    ],
    [
      "an hour is plain by any clock",
      [seen("a", { ...old, writer: other }), seen("b", young)],
      ["a: store-behind"],
    ],
    [
      "a pointer that went on from another's commit is newer, by whatever clock",
      [
        seen("a", { bytes: "x", at: minutesAgo(1), operation: `${"0".repeat(25)}A` }),
        seen("b", { bytes: "y", at: minutesAgo(3), writer: other, recent: [`${"0".repeat(25)}A`] }),
      ],
      ["a: store-behind"],
    ],
    [
      "a time in the future makes nothing newer",
      [seen("a", young), seen("b", { bytes: "y", at: now + 600 * minuteMs, writer: other })],
      ["a: stores-disagree", "b: stores-disagree"],
    ],
    [
      "the store's clock bounds the writer's",
      [
        seen("a", { bytes: "x", at: minutesAgo(30) }),
        seen("b", { bytes: "y", at: minutesAgo(-60), storedAt: minutesAgo(90), writer: other }),
      ],
      ["a: stores-disagree", "b: stores-disagree"],
    ],
    [
      "one pointer in two places",
      [seen("a", { operation: "0".repeat(26) }), seen("b", { operation: "0".repeat(26) })],
      ["a: same-store", "b: same-store"],
    ],
    [
      "backups of two nodes",
      [seen("a", { pubkey: "02aa" }), seen("b", { bytes: "y", pubkey: "03bb" }), seen("c", {})],
      ["a: wrong-node", "b: wrong-node"],
    ],
    [
      "another node's is not compared",
      [seen("a", old), seen("b", young, "wrong-node")],
      ["b: wrong-node"],
    ],
    [
      "an empty one has its own word",
      [seen("a", {}), seen("b", null, "no-backup")],
      ["b: no-backup"],
    ],
  ];
  for (const [name, stores, expected] of cases) {
    it(name, () => {
      assert.deepEqual(codesOf(stores), expected);
      assert.deepEqual(codesOf(stores.toReversed()).sort(), [...expected].sort());
    });
  }

  it("is unsafe whatever is required, if all that are right are behind another one", () => {
    const stores = [seen("a", old), seen("b", old), seen("c", young, "version-damaged")];
    assert.deepEqual(codesOf(stores, 2), [
      "a: store-behind",
      "b: store-behind",
      "c: version-damaged",
      "c: store-ahead",
    ]);
    for (const requirement of [1, 2, 3, "majority", "all"] as const) {
      const { verdict } = judgeStores(compareStores(stores, now, requirement), requirement);
      assert.equal(verdict, "unsafe");
    }
  });

  it("is safe by the newest alone, if one is enough", () => {
    const stores = [seen("a", old), seen("b", young)];
    assert.equal(judgeStores(compareStores(stores, now, 1), 1).verdict, "safe");
    assert.equal(judgeStores(compareStores(stores, now, "all"), "all").verdict, "unsafe");
  });

  it("is safe by the honest ones, beside one whose pointer can't be read", () => {
    const liar = seen("c", null, "pointer-damaged");
    const stores = [seen("a", young), seen("b", young), liar];
    const two = judgeStores(compareStores(stores, now, 2), 2);
    const all = judgeStores(compareStores(stores, now, "all"), "all");
    assert.deepEqual([two.verdict, all.verdict], ["safe", "unsafe"]);
    const levels = [two, all].map(({ findings }) =>
      findings.map(({ store, level, tolerated }) => ({ store, level, tolerated })),
    );
    assert.deepEqual(levels, [
      [{ store: "c", level: "warning", tolerated: true }],
      [{ store: "c", level: "problem", tolerated: false }],
    ]);
  });

  const held = fc.record({
    bytes: fc.constantFrom("x", "y", "z"),
    points: fc.constantFrom(null, "p", "q"),
    at: fc.constantFrom(...[90, 30, 4, 2, 1, -600].map(minutesAgo)),
    writer: fc.constantFrom("scb-mirror/1 host 1", other),
    also: fc.constantFrom<readonly string[]>(["11:0"], ["22:0"]),
  });
  const someStores = fc
    .array(fc.tuple(fc.option(held), fc.constantFrom<readonly FindingCode[]>([], [], ["stale"])), {
      minLength: 1,
      maxLength: 4,
    })
    .map((all) =>
      all.map(([one, found], index) =>
        seen(`s${index}`, one, ...(one ? found : ["no-backup" as const])),
      ),
    );
  const requirement = fc.constantFrom<Requirement>("all", "majority", 1, 2, 3);

  it("gives the same answer in whatever order the stores are given", () => {
    fc.assert(
      fc.property(someStores, requirement, (stores, needed) => {
        const turned = stores.toReversed();
        const [one, two] = [stores, turned].map(
          (all) => judgeStores(compareStores(all, now, needed), needed).verdict,
        );
        assert.equal(one, two);
        assert.deepEqual(codesOf(stores, needed).sort(), codesOf(turned, needed).sort());
        const [first, second] = [stores, turned].map(
          (all) =>
            newest(
              all.flatMap((store) => heldState(store) ?? []),
              now,
            )?.store,
        );
        assert.equal(first, second);
      }),
    );
  });

  it("never makes a store, or all of them, safer than each is by itself", () => {
    fc.assert(
      fc.property(someStores, requirement, (stores, needed) => {
        const judged = compareStores(stores, now, needed);
        for (const [index, one] of judged.entries()) {
          if (one.verdict === "safe") assert.equal(stores[index]?.verdict, "safe");
        }
        const together = judgeStores(judged, needed).verdict;
        if (together === "safe") assert.equal(judgeStores(stores, needed).verdict, "safe");
      }),
    );
  });

  it("says safe only if a store that is right holds a state that no other one is newer than", () => {
    fc.assert(
      fc.property(someStores, requirement, (stores, needed) => {
        const judged = compareStores(stores, now, needed);
        if (judgeStores(judged, needed).verdict !== "safe") return;
        const right = judged.filter(({ verdict }) => verdict === "safe");
        assert.ok(right.length > 0);
        for (const { findings } of right) {
          const codes = findings.map(({ code }) => code);
          assert.ok(!codes.includes("store-behind") && !codes.includes("stores-disagree"));
        }
      }),
    );
  });
});
