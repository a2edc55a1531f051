import type { Random } from "../../src/runtime/random.ts";

/**
 * Randomness that a seed determines (sfc32). Each user has a stream of its own, named by labels, so
 * that one of them drawing more numbers changes nothing for the others.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, ...labels: readonly (number | string)[]) {
    let hash = 0x9e3779b9 ^ seed;
    for (const label of labels) hash = mix(hash, label);
    this.#a = hash | 0;
    this.#b = Math.imul(hash, 0x85ebca6b) | 0;
    this.#c = Math.imul(seed, 0xc2b2ae35) | 0;
    for (let round = 0; round < 12; round += 1) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index += 1) bytes[index] = this.uint32() >>> 24;
    return bytes;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** From `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  /** As often between 1 and 10 as between 10 and 100, so that short and long are both likely. */
  spread(min: number, max: number): number {
    return min * (max / min) ** this.unit();
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.unit() * choices.length)] ?? choices[0];
  }
}

/** One number in [0, 1) that belongs to these labels. */
export function unitOf(seed: number, ...labels: readonly (number | string)[]): number {
  let hash = 0x51ed270b ^ seed;
  for (const label of labels) hash = mix(hash, label);
  return (mix(hash, 0x27d4eb2f) >>> 0) / 0x1_0000_0000;
}

function mix(hash: number, label: number | string): number {
  if (typeof label === "string") {
    let result = hash;
    for (let index = 0; index < label.length; index += 1) {
      result = mix(result, label.charCodeAt(index));
    }
    return result;
  }
  let value = (hash ^ Math.imul(label, 0x9e3779b1)) + 0x6d2b79f5;
  value = Math.imul(value ^ (value >>> 15), value | 1);
  value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
  return (value ^ (value >>> 14)) | 0;
}
