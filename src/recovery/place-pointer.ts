import { latestKey } from "../repository/layout.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, PutCondition, RequestOptions } from "../store/object-store.ts";

export interface PlacePointerOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly bytes: Uint8Array;
  /** What the caller saw in its place, and must still be there. */
  readonly condition: PutCondition;
  /** What to do if somebody else has changed the pointer: ends that error's message. */
  readonly remedy: string;
}

/**
 * Writes a pointer, and resolves once it is known to be there. Throws "superseded" if somebody else has
 * changed what was in its place, which is then left alone; "store-rejected" if the store won't create what
 * isn't there; and what the store throws.
 */
export async function placePointer(options: PlacePointerOptions): Promise<void> {
  const { store, bytes, condition, remedy, signal } = options;
  try {
    await store.put(latestKey, bytes, { condition, contentType: "application/json", signal });
  } catch (error) {
    if (!hasCode(error, "store-precondition", "store-missing", "store-unknown")) throw error;
    const now = await store.get(latestKey, { signal });
    if (now !== null && Buffer.from(now.bytes).equals(bytes)) return;
    if (hasCode(error, "store-unknown")) throw error;
    if (now === null && condition.kind === "absent") {
      throw new ScbError(
        "store-rejected",
        `${store.location} refuses to create ${latestKey} although nothing is there. It may take a deleted object for one that exists, as Versity Gateway does in a versioned bucket. Nothing was changed. Remove the delete marker of ${latestKey} there, which brings the old pointer back, then ${remedy}`,
        { cause: error },
      );
    }
    throw new ScbError(
      "superseded",
      `the pointer ${store.location}/${latestKey} was changed in the meantime, and was left as it is: ${remedy}`,
      { cause: error },
    );
  }
}
