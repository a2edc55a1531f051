/**
 * Runs the tests: `node scripts/test.ts [--unit] [part of a file's path …] [flags of node --test …]`. With
 * `--unit`, only the tests of the layers' own code, which need neither a peer nor a build. The
 * peers that the chosen tests need are built first, unless they are cached, so that no test waits
 * for a build. Benchmarks, in `test/bench`, are not tests.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PeerUnavailable } from "../test/peers/peer-unavailable.ts";
import { peers, provision } from "../test/peers/provision.ts";

const root = dirname(import.meta.dirname);
// Far above what the slowest suite takes: a hung test fails under its own name instead of waiting for ever.
const testTimeoutMs = 20 * 60_000;
// Two, however many cores there are: each of the heavy suites runs several servers of its own.
const concurrency = 2;

const args = process.argv.slice(2);
const isUnit = args.includes("--unit");
const flags = args.filter((arg) => arg.startsWith("-") && arg !== "--unit");
const filters = args.filter((arg) => !arg.startsWith("-"));

const layers =
  "{runtime,wire,keychain,chanbackup,store,repository,mirror,node,checks,watched,recovery,app}";
const pattern = isUnit ? `test/${layers}/*.test.ts` : "test/**/*.test.ts";
const needsPeers = (file: string): boolean =>
  readFileSync(join(root, file), "utf8").includes("peers/peer-suite.ts");

const files = globSync(pattern, { cwd: root, exclude: ["test/bench/**"] })
  .filter((file) => !isUnit || !needsPeers(file))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
if (files.length === 0) {
  process.stderr.write(`no test file's path holds ${filters.join(" or ")}\n`);
  process.exit(1);
}

await provisionFor(files);
const runner = spawn(
  process.execPath,
  [
    "--test",
    "--test-reporter=spec",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${testTimeoutMs}`,
    ...flags,
    ...files,
  ],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => runner.kill(signal));
await once(runner, "exit");
process.exitCode = runner.exitCode ?? 1;

async function provisionFor(chosen: readonly string[]): Promise<void> {
  const texts = chosen.map((file) => readFileSync(join(root, file), "utf8"));
  const suites = texts.filter((text) => text.includes("peers/peer-suite.ts"));
  for (const peer of peers) {
    if (!suites.some((text) => text.includes(`"${peer}"`))) continue;
    try {
      await provision(peer);
    } catch (error) {
      // The suites report that themselves, and skip or fail.
      if (!(error instanceof PeerUnavailable)) throw error;
      process.stderr.write(`peers: ${peer}: ${error.message}\n`);
    }
  }
}
