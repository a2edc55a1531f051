import type { Told } from "../chanbackup/node-survey.ts";
import { type ErrorCode, errorCodes, hasCode, ScbError } from "../runtime/error.ts";

/** What keeps a store from answering: it says nothing of what is there. */
export const storeTrouble = [
  "store-busy",
  "store-unknown",
  "store-denied",
  "store-no-bucket",
  "store-clock",
  "store-rejected",
] as const satisfies readonly ErrorCode[];

/** What keeps a node from answering what it was asked. */
export const nodeTrouble = [
  "node-unavailable",
  "node-untrusted",
  "node-denied",
  "node-locked",
  "node-syncing",
  "wrong-node",
] as const satisfies readonly ErrorCode[];

/** What was told, or why it wasn't; an error of another code is thrown. */
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

/** One error for what failed in every store: of the gravest code, and with each store's own words. */
export function allFailed(
  failures: readonly { readonly name: string; readonly error: ScbError }[],
): ScbError {
  const [first, another] = failures;
  if (first === undefined) return new ScbError("internal", "nothing failed");
  if (another === undefined) return first.error;
  // A wrong question has the same answer everywhere.
  if (failures.every(({ error }) => error.message === first.error.message)) return first.error;
  // The codes of the mirror come after those of a store, and those after the caller's.
  const gravity = (code: ErrorCode): number => errorCodes.indexOf(code);
  const { error } = failures.reduce((worst, one) =>
    gravity(one.error.code) > gravity(worst.error.code) ? one : worst,
  );
  const each = failures.map(({ name, error: { message } }) => `${name}: ${message}`).join("; ");
  const message = `none of the ${failures.length} stores could be used: ${each}`;
  return new ScbError(error.code, message, { cause: error });
}
