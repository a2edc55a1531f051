import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { SharedAsk } from "../../src/runtime/shared-ask.ts";

/** A request that is answered by hand. */
function byHand() {
  const begun: { readonly asks: readonly string[]; readonly signal: AbortSignal }[] = [];
  const answers: PromiseWithResolvers<number>[] = [];
  const shared = new SharedAsk<number, string>((asks, signal) => {
    begun.push({ asks: [...asks], signal });
    const answer = Promise.withResolvers<number>();
    answers.push(answer);
    return answer.promise;
  });
  return { shared, begun, answers };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await setImmediate();
}

it("asks once for all who ask at the same moment", async () => {
  const { shared, begun, answers } = byHand();
  const asked = [shared.ask("a"), shared.ask("b"), shared.ask("c")];
  await settled();
  answers[0]?.resolve(7);
  assert.deepEqual(await Promise.all(asked), [7, 7, 7]);
  assert.deepEqual(
    begun.map(({ asks }) => asks),
    [["a", "b", "c"]],
  );
});

it("never answers with what was under way before the question", async () => {
  const { shared, begun, answers } = byHand();
  const first = shared.ask("first");
  await settled();
  const late = [shared.ask("late"), shared.ask("later")];
  await settled();
  assert.equal(begun.length, 1);
  answers[0]?.resolve(1);
  assert.equal(await first, 1);
  await settled();
  assert.deepEqual(begun[1]?.asks, ["late", "later"]);
  answers[1]?.resolve(2);
  assert.deepEqual(await Promise.all(late), [2, 2]);
});

it("a failure is everybody's, and the next question is asked anew", async () => {
  const { shared, answers } = byHand();
  const asked = Promise.allSettled([shared.ask("a"), shared.ask("b")]);
  await settled();
  answers[0]?.reject(new Error("away"));
  assert.deepEqual(
    (await asked).map(({ status }) => status),
    ["rejected", "rejected"],
  );
  const again = shared.ask("c");
  await settled();
  answers[1]?.resolve(3);
  assert.equal(await again, 3);
});

it("who goes away leaves the others their answer, and the last one ends the request", async () => {
  const { shared, begun, answers } = byHand();
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const left = shared.ask("a", leaving.signal);
  const stayed = shared.ask("b", staying.signal);
  await settled();
  leaving.abort();
  await assert.rejects(left, { code: "aborted" });
  assert.equal(begun[0]?.signal.aborted, false);
  staying.abort();
  await assert.rejects(stayed, { code: "aborted" });
  assert.equal(begun[0]?.signal.aborted, true);
  answers[0]?.reject(new Error("ended"));
  const next = shared.ask("c");
  await settled();
  answers[1]?.resolve(4);
  assert.equal(await next, 4);
});

it("asks nothing for those who went away before it began", async () => {
  const { shared, begun } = byHand();
  const leaving = new AbortController();
  const left = shared.ask("a", leaving.signal);
  leaving.abort();
  await assert.rejects(left, { code: "aborted" });
  await settled();
  assert.equal(begun.length, 0);
});
