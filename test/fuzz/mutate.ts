import { fieldPrime } from "../../src/wire/quadratic-residue.ts";

/** Numbers that a seed repeats: for cases by the hundred thousand, where fast-check would be slow. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `limit` - 1. Source: the "mulberry32" generator. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  oneOf<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
}

type Mutation = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

/** Types of addresses, markers of transactions, and the ends of what a byte can hold. */
const tellingBytes = [0, 1, 2, 3, 4, 5, 6, 0x7f, 0x80, 0xfd, 0xfe, 0xff] as const;

const setByte: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
};

const setTellingByte: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.oneOf(tellingBytes);
  return bytes;
};

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const fill: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  return bytes.fill(random.oneOf([0, 0xff]), at, at + 1 + random.below(9));
};

const cut: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  const added = Array.from({ length: 1 + random.below(4) }, () => random.oneOf(tellingBytes));
  return joined(bytes.subarray(0, at), Uint8Array.from(added), bytes.subarray(at));
};

const remove: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40)));
};

const repeat: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const end = at + random.below(bytes.length - at);
  return joined(bytes.subarray(0, end), bytes.subarray(at));
};

/** A number over the field's prime, or one that is as good as random, where a key may stand. */
const replaceKey: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const x = random.below(2) === 0 ? fieldPrime + BigInt(random.below(3)) : BigInt(random.below(9));
  const key = Buffer.from(`0${2 + random.below(2)}${x.toString(16).padStart(64, "0")}`, "hex");
  bytes.set(key.subarray(0, Math.max(0, Math.min(33, bytes.length - at))), at);
  return bytes;
};

const mutations = [
  setByte,
  setTellingByte,
  flipBit,
  fill,
  cut,
  insert,
  remove,
  repeat,
  replaceKey,
] as const;

/** `bytes` damaged in one to three ways, as a new array. */
export function mutate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  let damaged = Uint8Array.from(bytes);
  for (let count = 1 + random.below(3); count > 0 && damaged.length > 0; count--) {
    damaged = Uint8Array.from(random.oneOf(mutations)(damaged, random));
  }
  return damaged;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
