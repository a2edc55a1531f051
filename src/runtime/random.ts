import { randomBytes } from "node:crypto";

/** Randomness as an argument, so that a simulation can replay it. */
export interface Random {
  /** `size` unpredictable bytes. */
  bytes(size: number): Uint8Array;
  /** A number in [0, 1). */
  unit(): number;
}

/** The machine's randomness. Its bytes are fit for keys and nonces; its numbers aren't. */
export const systemRandom: Random = {
  bytes: (size) => new Uint8Array(randomBytes(size)),
  unit: () => Math.random(),
};
