import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type FindingCode,
  findingKinds,
  findingOf,
  type Verdict,
  verdictOf,
} from "../../src/checks/finding.ts";
import type { Requirement } from "../../src/checks/requirement.ts";
import { judgeStores, type StoreJudgement } from "../../src/checks/stores-verdict.ts";

const codes = Object.keys(findingKinds) as readonly FindingCode[];
const safety: Readonly<Record<Verdict, number>> = { unsafe: 0, unknown: 1, safe: 2 };

function judged(store: string, ...found: readonly FindingCode[]): StoreJudgement {
  const findings = found.map((code) => findingOf(code, store, `seen: ${code}`));
  return { store, verdict: verdictOf(findings), findings };
}

describe("the verdict over several stores", () => {
  const three = [judged("a"), judged("b", "not-saved"), judged("c", "unproved")];
  const cases: readonly (readonly [string, readonly StoreJudgement[], Requirement, Verdict])[] = [
    ["all are safe", [judged("a"), judged("b")], "all", "safe"],
    ["one lacks the state, and all are needed", three, "all", "unsafe"],
    [
      "one is not known, and all are needed",
      [judged("a"), judged("b", "unproved")],
      "all",
      "unknown",
    ],
    ["most are needed, and one is", three, "majority", "unsafe"],
    ["most are needed, and are", [judged("a"), ...three], 2, "safe"],
    ["one is enough", three, 1, "safe"],
    ["one is enough, and another refuses", [judged("a"), judged("b", "refused")], 1, "unsafe"],
    ["one is enough, and another is ahead", [judged("a"), judged("b", "store-ahead")], 1, "unsafe"],
    ["one is enough, and none is right", [judged("a", "stale"), judged("b", "stale")], 1, "unsafe"],
    ["more are needed than there are", [judged("a")], 2, "unknown"],
    ["there is none", [], "all", "unknown"],
  ];
  for (const [name, stores, requirement, verdict] of cases) {
    it(`is ${verdict} where ${name}`, () => {
      assert.equal(judgeStores(stores, requirement).verdict, verdict);
    });
  }

  it("tells of what it tolerates as a warning, and of whose it is", () => {
    const { findings } = judgeStores(three, 1);
    assert.deepEqual(
      findings.map(({ code, level, store }) => [code, level, store]),
      [
        ["not-saved", "warning", "b"],
        ["unproved", "warning", "c"],
      ],
    );
  });

  it("is the store's own where there is only one", () => {
    fc.assert(
      fc.property(fc.subarray([...codes]), (found) => {
        const store = judged("a", ...found);
        assert.equal(judgeStores([store], "all").verdict, store.verdict);
      }),
    );
  });

  it("never gets safer by what one store says worse of itself", () => {
    const store = fc.array(fc.constantFrom(...codes), { maxLength: 2 });
    const requirement = fc.constantFrom<Requirement>("all", "majority", 1, 2, 3);
    fc.assert(
      fc.property(
        fc.array(store, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.constantFrom(...codes),
        requirement,
        (stores, which, worse, needed) => {
          const before = stores.map((found, index) => judged(`s${index}`, ...found));
          const at = which % stores.length;
          const after = before.map((one, index) =>
            index === at ? judged(one.store, ...(stores[at] ?? []), worse) : one,
          );
          const [was, is] = [judgeStores(before, needed), judgeStores(after, needed)];
          if (safety[is.verdict] > safety[was.verdict]) assert.equal(was.verdict, "unknown");
          assert.ok(was.verdict === "safe" || is.verdict !== "safe");
        },
      ),
    );
  });
});
