/**
 * Whether a number is a square modulo the prime of secp256k1, by its Jacobi symbol: about 6 µs, compared
 * with 200 for taking the root. Not in constant time: use it only for public data.
 *
 * Numbers have nine limbs of 30 bits, lowest first, so that the difference of two limbs and a borrow is
 * still a small integer of the engine.
 */

export const fieldPrime = 2n ** 256n - 2n ** 32n - 977n;

const limbCount = 9;
const limbBits = 30;
const limbMask = 2 ** limbBits - 1;
const primeLimbs = new Int32Array(limbCount);
setLimbs(primeLimbs, fieldPrime);

// Reused, so that a check allocates almost nothing. Nothing here waits, so checks can't interleave.
const upper = new Int32Array(limbCount);
const lower = new Int32Array(limbCount);

/** `value` must be from 0 to `fieldPrime` - 1. 0 counts as a square. */
export function isQuadraticResidue(value: bigint): boolean {
  // Binary Jacobi, Cohen, "A Course in Computational Algebraic Number Theory", algorithm 1.4.12. n stays
  // odd; each round makes a odd, puts the larger one into a, and subtracts.
  let a = upper;
  let n = lower;
  setLimbs(a, value);
  n.set(primeLimbs);
  let length = limbCount;
  // Its lowest bit is the parity of the sign changes.
  let signChanges = 0;
  for (;;) {
    while (length > 1 && a[length - 1] === 0 && n[length - 1] === 0) length--;
    const zeros = trailingZeros(a, length);
    if (zeros === undefined) break;
    // (2/n) is -1 for n = 3 and n = 5 modulo 8.
    const low = n[0] ?? 0;
    signChanges ^= zeros & ((low >> 1) ^ (low >> 2));
    shiftRight(a, zeros, length);
    if (isLess(a, n, length)) {
      // Reciprocity: (a/n) = (n/a), but -(n/a) if both are 3 modulo 4.
      signChanges ^= ((a[0] ?? 0) & (n[0] ?? 0)) >> 1;
      [a, n] = [n, a];
    }
    subtract(a, n, length);
  }
  return (signChanges & 1) === 0;
}

function setLimbs(limbs: Int32Array, value: bigint): void {
  for (let at = 0; at < limbCount; at++) {
    limbs[at] = Number(BigInt.asUintN(limbBits, value >> BigInt(at * limbBits)));
  }
}

/** Undefined for zero. */
function trailingZeros(a: Int32Array, length: number): number | undefined {
  for (let at = 0; at < length; at++) {
    const limb = a[at] ?? 0;
    if (limb !== 0) return at * limbBits + 31 - Math.clz32(limb & -limb);
  }
  return undefined;
}

function shiftRight(a: Int32Array, bits: number, length: number): void {
  let rest = bits;
  for (; rest >= limbBits; rest -= limbBits) {
    a.copyWithin(0, 1, length);
    a[length - 1] = 0;
  }
  if (rest === 0) return;
  const last = length - 1;
  for (let at = 0; at < last; at++) {
    a[at] = ((a[at] ?? 0) >> rest) | (((a[at + 1] ?? 0) << (limbBits - rest)) & limbMask);
  }
  a[last] = (a[last] ?? 0) >> rest;
}

function isLess(a: Int32Array, n: Int32Array, length: number): boolean {
  for (let at = length - 1; at >= 0; at--) {
    const difference = (a[at] ?? 0) - (n[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function subtract(a: Int32Array, n: Int32Array, length: number): void {
  let borrow = 0;
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (n[at] ?? 0) + borrow;
    a[at] = difference & limbMask;
    borrow = difference >> limbBits;
  }
}
