/**
 * Prints what of the swap's production code no simulated schedule reaches:
 * `npm run simulate:coverage -- [SCHEDULES]`.
 */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..", "..");
const files = [
  "chanbackup/engine",
  "chanbackup/due",
  "mirror/guard",
  "mirror/mirror-engine",
  "mirror/object-store-swapper",
  "mirror/quarantine",
  "mirror/swap-operation",
  "repository/base",
  "repository/pointer",
].map((name) => `src/${name}.ts`);

const schedules = Number(process.argv[2] ?? 5_000);
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
Error.stackTraceLimit = 0;
const { modes, World } = await import("./world.ts");
const { planOf } = await import("./plan.ts");
for (let seed = 1; seed <= schedules; seed += 1)
  for (const mode of modes) await new World(planOf(seed), mode).run();
const { result } = await session.post("Profiler.takePreciseCoverage");
session.disconnect();

let unreached = 0;
for (const file of files) {
  const source = readFileSync(join(root, file), "utf8");
  const url = pathToFileURL(join(root, file)).href;
  const ranges = (result.find((script) => script.url === url)?.functions ?? [])
    .flatMap((covered) => covered.ranges)
    .filter(({ count }) => count === 0);
  for (const { startOffset, endOffset } of ranges) {
    const text = source.slice(startOffset, endOffset).replaceAll(/\s+/g, " ").trim();
    const line = source.slice(0, startOffset).split("\n").length;
    process.stdout.write(`${file}:${line}  ${text.slice(0, 120)}\n`);
    unreached += 1;
  }
}
process.stdout.write(`${unreached} branches unreached in ${schedules} schedules\n`);
