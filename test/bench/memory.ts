/**
 * How much memory `run` takes, as the kernel counts it (VmRSS): settled at the demo node's default
 * pace, and over thousands of swaps as fast as they go.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { startMinio } from "../peers/minio.ts";
import { builtCli } from "./built-cli.ts";
import { printReport, slope } from "./report.ts";
import { residentMb } from "./resident.ts";

const swapsWanted = Number(process.argv[2] ?? 10_000);
const settledAfterMs = Number(process.argv[3] ?? 30_000);
const samplesWanted = 100;
const goalMb = 120;
const bucket = "memory";

interface Sample {
  readonly swaps: number;
  readonly rssMb: number;
}

await using cli = await builtCli();
await using minio = await startMinio();
await minio.createBucket(bucket);
const folder = await mkdtemp(`${tmpdir()}/scb-bench-`);
const env = { PATH: process.env["PATH"], HOME: folder, ...minio.env() };

/** Runs until `until` says so, and returns the memory use at each sample. */
async function observe(
  args: readonly string[],
  everySwaps: number,
  until: (latest: Sample, elapsedMs: number) => boolean,
): Promise<readonly Sample[]> {
  const child = spawn(process.execPath, [cli.path, "run", "--json", "--from", "demo", ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const samples: Sample[] = [];
  const startedAtMs = performance.now();
  let swaps = 0;
  let nextAt = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('"event":"swapped"')) continue;
    swaps += 1;
    if (swaps < nextAt) continue;
    nextAt = swaps + everySwaps;
    const latest = { swaps, rssMb: residentMb(child.pid) };
    samples.push(latest);
    if (until(latest, performance.now() - startedAtMs)) break;
  }
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`run ended with ${child.exitCode}`);
  return samples;
}

const rows: string[][] = [];
try {
  for (const [name, to] of [
    ["demo to folder", pathToFileURL(folder).href],
    ["demo to MinIO", `s3://${bucket}`],
  ] as const) {
    const settled = await observe(
      ["--to", `${to}/settled`],
      1,
      (_, elapsedMs) => elapsedMs >= settledAfterMs,
    );
    const flatOut = await observe(
      ["--to", `${to}/flat-out`, "--demo-interval", "1ms", "--min-interval", "1ms"],
      Math.ceil(swapsWanted / samplesWanted),
      ({ swaps }) => swaps >= swapsWanted,
    );
    // Growth means nothing until the heap has reached its size.
    const late = flatOut.slice(Math.floor(flatOut.length / 2));
    const perThousand = 1000 * slope(late.map(({ swaps, rssMb: y }) => ({ x: swaps, y })));
    rows.push([
      name,
      `${settled.at(-1)?.rssMb.toFixed(0)} MB`,
      `${Math.max(...flatOut.map((sample) => sample.rssMb)).toFixed(0)} MB`,
      `${flatOut.at(-1)?.rssMb.toFixed(0)} MB`,
      `${perThousand.toFixed(2)} MB`,
    ]);
    if (process.argv.includes("--samples")) {
      for (const { swaps, rssMb: mb } of flatOut) {
        process.stderr.write(`${name} ${swaps} ${mb.toFixed(1)}\n`);
      }
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

printReport(
  `Resident memory of run, ${swapsWanted} swaps`,
  [
    "",
    `settled (${settledAfterMs / 1000} s)`,
    "flat out: most",
    "at the end",
    "growth per 1,000 swaps",
  ],
  rows,
  [
    `Goal: under ${goalMb} MB, and no growth.`,
    "Growth: the slope of a line through the second half of the flat-out samples.",
  ],
);
