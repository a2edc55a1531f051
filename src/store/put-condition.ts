import { ScbError } from "../runtime/error.ts";
import type { PutCondition } from "./object-store.ts";

/**
 * For stores that check conditions themselves: throws "store-precondition" or "store-missing" if the
 * condition doesn't hold. `currentEtag` is null if the key holds nothing.
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
    throw new ScbError("store-precondition", `${key} already exists in ${location}`);
  }
  if (currentEtag === null) {
    throw new ScbError("store-missing", `${key} is not in ${location}, so it can't be replaced`);
  }
  if (currentEtag !== condition.etag) {
    throw new ScbError("store-precondition", `${key} in ${location} has changed`);
  }
}

/**
 * For append-only stores: throws "store-rejected" for any condition, because the store would not enforce
 * it.
 */
export function refuseCondition(
  key: string,
  condition: PutCondition | undefined,
  location: string,
): void {
  if (condition === undefined) return;
  throw new ScbError(
    "store-rejected",
    `${location} is append-only and enforces no conditions, so ${key} can't be written there with one`,
  );
}

/** The request headers for services that check ETags. */
export function etagConditions(condition: PutCondition | undefined): {
  ifNoneMatch?: "*";
  ifMatch?: string;
} {
  switch (condition?.kind) {
    case undefined:
      return {};
    case "absent":
      return { ifNoneMatch: "*" };
    case "match":
      return { ifMatch: condition.etag };
  }
}

/** For services that give one answer for an object that is gone and one that has changed. */
export function unmetError(isGone: boolean, doing: string, said: string): ScbError {
  return isGone
    ? new ScbError("store-missing", `cannot ${doing}: the object to be replaced is gone`)
    : new ScbError("store-precondition", `cannot ${doing}: the condition did not hold (${said})`);
}
