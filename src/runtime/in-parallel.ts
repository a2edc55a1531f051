import PQueue from "p-queue";

/** More concurrency gains nothing and strains a small store. */
const concurrentRequests = 16;

/**
 * Runs `task` for each item, several at a time. The first failure is thrown as soon as the running tasks
 * have ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = new PQueue({ concurrency: concurrentRequests });
  const failures: unknown[] = [];
  for (const item of items) {
    void queue.add(async () => {
      if (failures.length > 0) return;
      await task(item).catch((error: unknown) => failures.push(error));
    });
  }
  await queue.onIdle();
  if (failures.length > 0) throw failures[0];
}
