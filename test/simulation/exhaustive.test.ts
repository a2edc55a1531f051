import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explore } from "./exhaustive.ts";
import { loadMutant } from "./mutant-modules.ts";
import { mutants } from "./mutants.ts";
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

// The others need more than this case has: time, or the first commit, or what the mirror tells.
const found = [
  "no operation id: any move of the pointer is taken for our own",
  "an ETag that repeats",
  "a store that ignores If-Match",
  "a timeout taken as success",
  "the pointer before the version",
  "the snapshot before the base",
];

describe("every interleaving of two writers with one swap each and one lost answer", () => {
  for (const mutant of mutants.filter(({ name }) => found.includes(name))) {
    it(`finds: ${mutant.name}`, async () => {
      const mutated = await loadMutant<typeof import("./exhaustive.ts")>(mutant, "exhaustive.ts");
      const smallCase = { ...two, swapsEach: 1, crashes: 0, lostAnswers: 1 };
      assert.notEqual((await mutated.explore(smallCase)).failure, null);
    });
  }
});
