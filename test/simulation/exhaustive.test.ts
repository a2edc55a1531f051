import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explore } from "./exhaustive.ts";
import type { SmallCase } from "./small-world.ts";

const two = { commitsBefore: 2, writers: 2 };
const cases: readonly (SmallCase & { readonly name: string })[] = [
  { name: "two swaps each", ...two, swapsEach: 2, crashes: 0, lostAnswers: 0 },
  { name: "two swaps each, one crash", ...two, swapsEach: 2, crashes: 1, lostAnswers: 0 },
  { name: "two swaps each, one lost answer", ...two, swapsEach: 2, crashes: 0, lostAnswers: 1 },
  { name: "one swap each, one of both", ...two, swapsEach: 1, crashes: 1, lostAnswers: 1 },
  {
    name: "the first ever",
    commitsBefore: 0,
    writers: 2,
    swapsEach: 1,
    crashes: 0,
    lostAnswers: 0,
  },
];

describe("every interleaving of two writers", () => {
  for (const { name, ...smallCase } of cases) {
    it(name, async (test) => {
      const { situations, interleavings, steps, failure } = await explore(smallCase);
      test.diagnostic(
        `${situations} situations, ${interleavings} interleavings, ${steps} steps taken`,
      );
      if (failure === null) return;
      const way = failure.way.map(({ kind, name: what }) => `${kind} ${what}`).join("\n");
      assert.fail(`${failure.violation.invariant}: ${failure.violation.message}\n${way}`);
    });
  }
});
