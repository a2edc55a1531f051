import assert from "node:assert/strict";
import { test } from "node:test";
import { isSeen, noteSeen } from "../../src/wire/seen-keys.ts";
import { SeededRandom } from "../fuzz/mutate.ts";

/** All with one end, so that all belong into one set. */
function keyOf(number: number, prefix = 2): Uint8Array {
  const key = new Uint8Array(33).fill(0x55);
  key[0] = prefix;
  new DataView(key.buffer).setUint32(1, number);
  return key;
}

test("what was noted is seen, under either prefix, and nothing else", () => {
  assert.equal(isSeen(keyOf(1)), false);
  noteSeen(keyOf(1));
  assert.equal(isSeen(keyOf(1)), true);
  assert.equal(isSeen(keyOf(1, 3)), true);
  assert.equal(isSeen(keyOf(2)), false);
});

test("an x of zero was never seen, though the table begins with zeros", () => {
  const zero = new Uint8Array(33);
  zero[0] = 2;
  assert.equal(isSeen(zero), false);
});

test("a full set forgets its oldest, and only that", () => {
  for (let number = 10; number < 18; number++) noteSeen(keyOf(number));
  for (let number = 10; number < 18; number++) assert.equal(isSeen(keyOf(number)), true);
  noteSeen(keyOf(18));
  assert.equal(isSeen(keyOf(10)), false);
  for (let number = 11; number < 19; number++) assert.equal(isSeen(keyOf(number)), true);
});

test("grows, and forgets next to nothing that it has room for", () => {
  const random = new SeededRandom(1);
  const keys = Array.from({ length: 40_000 }, () =>
    Uint8Array.from({ length: 33 }, () => random.below(256)),
  );
  for (const key of keys) noteSeen(key);
  const known = keys.filter(isSeen).length;
  assert.ok(known > 39_900, `${known} of ${keys.length}`);
});
