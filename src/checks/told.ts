import type { Told } from "../chanbackup/node-survey.ts";
import { type ErrorCode, hasCode } from "../runtime/error.ts";

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
