import PQueue from "p-queue";
import { ulid } from "ulid";
import { latestKey, versionKey } from "../../src/repository/layout.ts";
import { encodePointer, type Pointer } from "../../src/repository/pointer.ts";
import { writeVersionMetadata } from "../../src/repository/version-metadata.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";

const versionSizeBytes = 2500;
const tenYearsMs = 10 * 365 * 86_400_000;

/** Writes a history of `count` versions, the newest from now, and its pointer. */
export async function fillHistory(store: ObjectStore, count: number): Promise<void> {
  const queue = new PQueue({ concurrency: 32 });
  const startMs = Date.now() - tenYearsMs;
  const recentOperations: string[] = [];
  let previous: Pointer["previous"] = null;
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const operation = ulid(Math.round(startMs + (sequence / count) * tenYearsMs));
    const key = versionKey(sequence, operation);
    const bytes = systemRandom.bytes(versionSizeBytes);
    const sha256 = sha256Hex(bytes);
    const metadata = writeVersionMetadata({
      operation,
      sequence,
      sha256,
      previous,
      singleWriter: false,
      channelPointsSha256: null,
      bareChannels: null,
      alsoRestore: [],
    });
    await queue.onSizeLessThan(64);
    void queue.add(() => store.put(key, bytes, { metadata }));
    recentOperations.push(operation);
    if (sequence === count) {
      await queue.onIdle();
      const pointer: Pointer = {
        schema: 1,
        sequence,
        version: { key, size: bytes.length, sha256 },
        previous,
        committedAt: new Date().toISOString(),
        writer: "a benchmark",
        operation,
        recentOperations: recentOperations.slice(-64),
        node: { pubkey: null, network: null },
        verifiedBy: null,
        channels: null,
        channelPointsSha256: null,
      };
      await store.put(latestKey, encodePointer(pointer));
    }
    previous = { key, sha256 };
  }
}
