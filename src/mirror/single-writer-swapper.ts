import { decodeTime } from "ulid";
import { type Base, readSingleWriterBase } from "../repository/base.ts";
import { newOperationId } from "../repository/operation-id.ts";
import type { Commit } from "./events.ts";
import { StateSwapper } from "./state-swapper.ts";
import { newestMetadata, operationCommit, type SwapOperation } from "./swap-operation.ts";

/**
 * For a store without conditional writes: only versions, no pointer, and the newest version is current.
 * Correct for exactly one writer, which the operator guarantees.
 */
export class SingleWriterSwapper extends StateSwapper {
  /**
   * The greatest id marks the newest of versions with equal sequence, so ids must grow even if the clock
   * is set back.
   */
  #earliestIdMs = 0;

  protected async readCurrent(signal?: AbortSignal): Promise<Base> {
    const base = await readSingleWriterBase(this.options.store, { signal });
    this.adopt(base);
    return base;
  }

  protected newId(): string {
    const { clock, random } = this.options;
    const id = newOperationId(clock, random, this.#earliestIdMs);
    this.#earliestIdMs = decodeTime(id) + 1;
    return id;
  }

  async advance(operation: SwapOperation, signal?: AbortSignal): Promise<Commit> {
    if (!operation.versionStored) {
      // A version is current as soon as it lands, whatever the answer says.
      this.forgetBase();
      await this.putVersion(operation, { metadata: newestMetadata(operation), signal });
    }
    const { candidate, sequence, key, alsoRestore } = operation;
    const now = this.options.clock.now();
    const held = {
      sequence,
      key,
      sizeBytes: candidate.packed.length,
      sha256: candidate.sha256,
      committedAt: now,
      savedAt: now,
      channelPointsSha256: candidate.channelPointsSha256,
      bareChannels: candidate.bareChannels,
      alsoRestore,
    };
    this.adopt({ kind: "newest", held });
    return operationCommit(operation);
  }
}
