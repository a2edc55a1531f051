import { type ApplyCopyOptions, applyCopy, type CopyReport } from "../../src/recovery/copy/copy.ts";
import { planCopy } from "../../src/recovery/copy/copy-plan.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { keysOf, makeSwapper, swapOnce } from "../support/mirror-fixture.ts";

export const optionsFor = (
  source: ObjectStore,
  target: ObjectStore,
  more: Partial<ApplyCopyOptions> = {},
): ApplyCopyOptions => ({
  source,
  target,
  clock: hastyClock(),
  random: systemRandom,
  withoutPointer: null,
  ...more,
});

/** A plan, applied. */
export async function copy(
  source: ObjectStore,
  target: ObjectStore,
  more: Partial<ApplyCopyOptions> = {},
): Promise<CopyReport> {
  const options = optionsFor(source, target, more);
  return applyCopy(await planCopy(options), options);
}

/** A folder with so many commits. */
export async function historyOf(commits: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  await goOn(store, commits);
  return store;
}

export async function goOn(store: ObjectStore, commits: number): Promise<void> {
  const swapper = makeSwapper(store);
  for (let n = 0; n < commits; n += 1) await swapOnce(swapper);
}

/** All of a folder, with its bytes and metadata, in an order that can be compared. */
export async function contentOf(store: ObjectStore, prefix = ""): Promise<unknown[]> {
  const keys = await keysOf(store, prefix);
  return Promise.all(
    keys.map(async (key) => {
      const object = await store.get(key);
      return [key, Buffer.from(object?.bytes ?? []).toString("base64"), object?.metadata];
    }),
  );
}
