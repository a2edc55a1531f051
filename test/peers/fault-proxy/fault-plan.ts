import type { Fault } from "./fault.ts";

/** What a plan may look at when it decides. */
export interface RequestLine {
  readonly method: string;
  /** `/bucket/key`, decoded. */
  readonly path: string;
}

/** Decides what happens to each request, in the order in which they come. */
export type FaultPlan = (request: RequestLine) => Fault;

export const passAll: FaultPlan = () => ({ kind: "pass" });

/** The same fault for each request. */
export function always(fault: Fault): FaultPlan {
  return () => fault;
}

/**
 * Strikes each request with one of `faults`, with the probability `rate`. The same seed gives the
 * same decisions for the same order of requests.
 */
export function randomPlan(seed: number, rate: number, faults: readonly Fault[]): FaultPlan {
  const unit = seededUnit(seed);
  return () => {
    const isStruck = unit() < rate;
    const fault = faults[Math.floor(unit() * faults.length)];
    return isStruck && fault !== undefined ? fault : { kind: "pass" };
  };
}

/** Numbers in [0, 1) that look random, and are the same for the same seed. Source: mulberry32. */
export function seededUnit(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
