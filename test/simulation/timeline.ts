import { unitOf } from "./seeded-random.ts";

interface Entry {
  readonly atMs: number;
  /** Orders entries of the same moment by the seed, not by arrival. */
  readonly tie: number;
  readonly act: () => void;
}

/** Simulated time: the earliest entry happens next, and time advances to it. */
export class Timeline {
  nowMs = 0;
  readonly #seed: number;
  readonly #heap: Entry[] = [];
  #added = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  after(delayMs: number, act: () => void): void {
    this.#added += 1;
    this.#push({
      atMs: this.nowMs + Math.max(0, delayMs),
      tie: unitOf(this.#seed, this.#added),
      act,
    });
  }

  at(atMs: number, act: () => void): void {
    this.after(atMs - this.nowMs, act);
  }

  /** Runs the next entry, if there is one until `endMs`; otherwise advances to `endMs`. */
  step(endMs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > endMs) {
      this.nowMs = Math.max(this.nowMs, endMs);
      return false;
    }
    this.#removeFirst();
    this.nowMs = next.atMs;
    next.act();
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.tie < b.tie : a.atMs < b.atMs;
}
