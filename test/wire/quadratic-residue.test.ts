import assert from "node:assert/strict";
import { test } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { isPublicKey } from "../../src/wire/public-key.ts";
import { fieldPrime, isQuadraticResidue } from "../../src/wire/quadratic-residue.ts";

/** Euler's criterion: slow and plain. */
function isSquareByPower(value: bigint): boolean {
  let power = 1n;
  for (let base = value, exponent = (fieldPrime - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) power = (power * base) % fieldPrime;
    base = (base * base) % fieldPrime;
  }
  return power === 1n || value === 0n;
}

const edges = [
  ...[0n, 1n, 2n, 3n, 4n, 5n, 7n].flatMap((near) => [near, fieldPrime - 1n - near]),
  // On the borders of the limbs.
  ...[29n, 30n, 31n, 59n, 60n, 61n, 120n, 239n, 240n, 241n, 255n].flatMap((bit) => [
    2n ** bit - 1n,
    2n ** bit,
    2n ** bit + 1n,
    (fieldPrime >> bit) << bit,
  ]),
];

test("a number near a border is a square where its power says so", () => {
  for (const value of edges) {
    assert.equal(isQuadraticResidue(value), isSquareByPower(value), `${value}`);
  }
});

test("any number is a square where its power says so", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: fieldPrime - 1n }), (value) => {
      assert.equal(isQuadraticResidue(value), isSquareByPower(value));
      assert.equal(isQuadraticResidue((value * value) % fieldPrime), true);
    }),
    { numRuns: 300 },
  );
});

test("the same bytes are public keys as noble says", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(2, 3),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (prefix, x) => {
        const key = new Uint8Array([prefix, ...x]);
        assert.equal(isPublicKey(key), secp256k1.utils.isValidPublicKey(key, true));
      },
    ),
    { numRuns: 1000 },
  );
});
