import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Slots } from "../../src/runtime/slots.ts";

/** Work that ends when it is told to, and what of it is under way. */
function works(slots: Slots) {
  const running = new Set<string>();
  const ends = new Map<string, () => void>();
  const start = (name: string, weight?: number): Promise<void> =>
    slots.hold(async () => {
      running.add(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      running.delete(name);
    }, weight);
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { running, start, end };
}

describe("Slots", () => {
  it("lets so many through at once, in order", async () => {
    const { running, start, end } = works(new Slots(2));
    const all = ["a", "b", "c", "d"].map((name) => start(name));
    assert.deepEqual([...running], ["a", "b"]);
    await end("b");
    assert.deepEqual([...running], ["a", "c"]);
    for (const name of ["a", "c", "d"]) await end(name);
    await Promise.all(all);
    assert.equal(running.size, 0);
  });

  it("counts what each weighs, and what is too heavy goes alone", async () => {
    const { running, start, end } = works(new Slots(10));
    const all = [start("a", 6), start("b", 5), start("c", 1), start("d", 99)];
    assert.deepEqual([...running], ["a"], "c doesn't overtake b");
    await end("a");
    assert.deepEqual([...running], ["b", "c"]);
    await end("b");
    assert.deepEqual([...running], ["c"]);
    await end("c");
    assert.deepEqual([...running], ["d"]);
    const last = start("e", 1);
    assert.deepEqual([...running], ["d"]);
    await end("d");
    await end("e");
    await Promise.all([...all, last]);
  });

  it("gives back what work that fails has held", async () => {
    const slots = new Slots(1);
    await assert.rejects(
      slots.hold(() => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(await slots.hold(() => Promise.resolve(1)), 1);
  });
});
