import type { Told } from "../chanbackup/node-survey.ts";
import { type ErrorCode, errorCodes, hasCode, ScbError } from "../runtime/error.ts";

/** Errors that keep a store from answering. They say nothing about what is there. */
export const storeTrouble = [
  "store-busy",
  "store-unknown",
  "store-denied",
  "store-no-bucket",
  "store-clock",
  "store-rejected",
] as const satisfies readonly ErrorCode[];

/** Errors that keep a node from answering. */
export const nodeTrouble = [
  "node-unavailable",
  "node-untrusted",
  "node-denied",
  "node-locked",
  "node-syncing",
  "wrong-node",
] as const satisfies readonly ErrorCode[];

/** The answer, or why there is none. Throws an error of any other code. */
export async function told<T>(
  codes: readonly ErrorCode[],
  ask: () => Promise<T>,
): Promise<Told<T>> {
  try {
    return { known: true, value: await ask() };
  } catch (error) {
    if (hasCode(error, ...codes)) return { known: false, error };
    throw error;
  }
}

/** One error for what failed in every store: the gravest code, with each store's message. */
export function allFailed(
  failures: readonly { readonly name: string; readonly error: ScbError }[],
): ScbError {
  const [first, another] = failures;
  if (first === undefined) return new ScbError("internal", "nothing failed");
  if (another === undefined) return first.error;
  // If the request itself is wrong, every store answers the same.
  if (failures.every(({ error }) => error.message === first.error.message)) return first.error;
  // Codes are listed by gravity: the caller's, then a store's, then the mirror's.
  const gravity = (code: ErrorCode): number => errorCodes.indexOf(code);
  const { error } = failures.reduce((worst, one) =>
    gravity(one.error.code) > gravity(worst.error.code) ? one : worst,
  );
  const each = failures.map(({ name, error: { message } }) => `${name}: ${message}`).join("; ");
  const message = `none of the ${failures.length} stores could be used: ${each}`;
  return new ScbError(error.code, message, { cause: error });
}
