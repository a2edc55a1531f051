/**
 * Every interleaving of a small case: `npm run simulate:small --
 * [COMMITS-BEFORE WRITERS SWAPS CRASHES LOST-ANSWERS]`, by default two writers with two swaps each,
 * one crash and one lost answer, after two commits.
 */
import { explore } from "./exhaustive.ts";

Error.stackTraceLimit = 0;
const [commitsBefore = 2, writers = 2, swapsEach = 2, crashes = 1, lostAnswers = 1] = process.argv
  .slice(2)
  .map(Number);
const { situations, interleavings, steps, failure } = await explore(
  { commitsBefore, writers, swapsEach, crashes, lostAnswers },
  (gone) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${gone} situations gone through `);
  },
);
process.stdout.write(`${situations} situations, ${interleavings} interleavings, ${steps} steps\n`);
if (failure !== null) {
  const way = failure.way.map(({ kind, name }) => `  ${kind} ${name}\n`).join("");
  process.stdout.write(`${failure.violation.invariant}: ${failure.violation.message}\n${way}`);
  process.exitCode = 1;
}
