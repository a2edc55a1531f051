/**
 * Remembers the x coordinates of points found on the curve, so that a key is checked once and not at each
 * swap. It grows from 0.5 MB to at most 4 MB: a full set forgets its oldest entry, so bytes from a
 * stranger cost time but no more memory. Small is fast, because most of a look-up is waiting for memory.
 */

const coordinateSizeBytes = 32;
const keysPerSet = 8;
const setSizeBytes = keysPerSet * coordinateSizeBytes;
const maxSetCount = 2 ** 14;
let setCount = 2 ** 11;
let table = new Uint8Array(setCount * setSizeBytes);
let notedCount = 0;

/** Whether the x coordinate in bytes 1 to 32 of `key` was recorded. */
export function isSeen(key: Uint8Array): boolean {
  const first = setOf(key);
  for (let at = first; at < first + setSizeBytes; at += coordinateSizeBytes) {
    if (holds(at, key)) return true;
  }
  return false;
}

/** Records the x coordinate in bytes 1 to 32 of `key`, which must be that of a point on the curve. */
export function noteSeen(key: Uint8Array): void {
  if (notedCount > (setCount * keysPerSet) / 4 && setCount < maxSetCount) grow();
  const first = setOf(key);
  const last = first + setSizeBytes - coordinateSizeBytes;
  table.copyWithin(first + coordinateSizeBytes, first, last);
  table.set(key.subarray(1), first);
  notedCount++;
}

function grow(): void {
  const old = table;
  setCount *= 2;
  table = new Uint8Array(setCount * setSizeBytes);
  notedCount = 0;
  const key = new Uint8Array(1 + coordinateSizeBytes);
  // Backwards, so that each set records its newest entry last.
  for (let at = old.length - coordinateSizeBytes; at >= 0; at -= coordinateSizeBytes) {
    key.set(old.subarray(at, at + coordinateSizeBytes), 1);
    if (key.some((byte) => byte !== 0)) noteSeen(key);
  }
}

/** The start of the key's set. Honest keys have random coordinates, so no hash is needed. */
function setOf(key: Uint8Array): number {
  return ((((key[31] ?? 0) << 8) | (key[32] ?? 0)) & (setCount - 1)) * setSizeBytes;
}

function holds(at: number, key: Uint8Array): boolean {
  let bits = 0;
  for (let index = 0; index < coordinateSizeBytes; index++) {
    const byte = table[at + index] ?? 0;
    if (byte !== key[1 + index]) return false;
    bits |= byte;
  }
  // An empty place is zero, which is no point's coordinate.
  return bits !== 0;
}
