/**
 * The seed of this run's generated cases: another each time, printed, so that a failure can be run
 * again with SCB_TEST_SEED.
 */
export const runSeed = Number(process.env["SCB_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

export function printSeed(suite: string): void {
  process.stderr.write(`${suite}: SCB_TEST_SEED=${runSeed}\n`);
}
