import { ScbError } from "../runtime/error.ts";
import type { PutCondition } from "./object-store.ts";

/**
 * For stores that check by themselves: throws "store-precondition" or "store-missing" where the
 * condition does not hold. `currentEtag` is null where the key holds nothing.
 */
export function checkCondition(
  key: string,
  currentEtag: string | null,
  condition: PutCondition | undefined,
  location: string,
): void {
  if (condition === undefined) return;
  if (condition.kind === "absent") {
    if (currentEtag === null) return;
    throw new ScbError("store-precondition", `${key} exists already in ${location}`);
  }
  if (currentEtag === null) {
    throw new ScbError("store-missing", `${key} is not in ${location}, so it can not be replaced`);
  }
  if (currentEtag !== condition.etag) {
    throw new ScbError("store-precondition", `${key} in ${location} has changed`);
  }
}
