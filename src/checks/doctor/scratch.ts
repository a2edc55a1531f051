import { probePrefix } from "../../repository/layout.ts";
import { newOperationId } from "../../repository/operation-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import type { ObjectStore, PutCondition } from "../../store/object-store.ts";

/** Doctor's own objects, in a new folder under `probe/`. They say what they are, and are cleaned up. */
export class Scratch {
  /** Relative to the node's folder; ends in "/". */
  readonly folder: string;
  readonly #store: ObjectStore;
  readonly #written = new Set<string>();
  #bodies = 0;

  constructor(store: ObjectStore, clock: Clock, random: Random) {
    this.folder = `${probePrefix}${newOperationId(clock, random)}/`;
    this.#store = store;
  }

  /** Writes about `sizeBytes`, always different, since equal bytes have equal etags. Resolves to the etag. */
  async put(
    name: string,
    sizeBytes: number,
    condition: PutCondition | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const key = this.folder + name;
    this.#written.add(key);
    this.#bodies += 1;
    const text = `scb-mirror doctor, safe to delete: ${key} ${this.#bodies}\n`;
    const bytes = new TextEncoder().encode(text.padEnd(sizeBytes, "."));
    const { etag } = await this.#store.put(key, bytes, {
      condition,
      contentType: "text/plain",
      signal,
    });
    return etag;
  }

  /** Deletes what was written, even after a stop. Stays silent if the credential may not delete. */
  async cleanUp(): Promise<void> {
    for (const key of this.#written) {
      try {
        await this.#store.delete(key);
      } catch (error) {
        if (error instanceof ScbError) return;
        throw error;
      }
    }
  }
}
