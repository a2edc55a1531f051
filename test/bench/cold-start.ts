/**
 * How long a command takes as a person meets it: a whole process, from its start to its end. All
 * take turns, and a process that does nothing shows what Node itself needs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { aezeedVectors } from "../keychain/vectors.ts";
import { startMinio } from "../peers/minio.ts";
import { builtCli } from "./built-cli.ts";
import { figure, median, printReport, quantile } from "./report.ts";

const rounds = Number(process.argv[2] ?? 20);
const bucket = "cold-start";

await using cli = await builtCli();
await using minio = await startMinio();
await minio.createBucket(bucket);
const folder = await mkdtemp(join(tmpdir(), "scb-bench-"));
const env = { PATH: process.env["PATH"], HOME: folder, ...minio.env() };
const toFolder = ["--to", pathToFileURL(join(folder, "store")).href];
const toBucket = ["--to", `s3://${bucket}`];
const wordsFile = join(folder, "words.txt");
await writeFile(wordsFile, aezeedVectors[0]?.words ?? "", { mode: 0o600 });
const withWords = ["--key-file", wordsFile];
const restore = [cli.path, "restore", "--force", "-o", join(folder, "channel.backup"), ...toBucket];

const commands: Readonly<
  Record<string, { readonly args: readonly string[]; readonly goal: string }>
> = {
  "node, nothing else": { args: ["--eval", ""], goal: "" },
  "--help": { args: [cli.path, "--help"], goal: "150 ms" },
  "status, folder": { args: [cli.path, "status", ...toFolder], goal: "500 ms" },
  "status, MinIO": { args: [cli.path, "status", ...toBucket], goal: "500 ms + network" },
  "restore, MinIO": { args: restore, goal: "" },
  "restore with 24 words, MinIO": { args: [...restore, ...withWords], goal: "2 s" },
  "key of 24 words, nothing else": { args: [cli.path, "key", ...withWords], goal: "" },
};

async function timeMs(args: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return performance.now() - startedAtMs;
}

const timesMs = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
try {
  for (const to of [toFolder, toBucket]) {
    await timeMs([cli.path, "run", "--once", "--from", "demo", ...withWords, ...to]);
  }
  // The first round fills the page cache.
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, { args }] of Object.entries(commands)) {
      const ms = await timeMs(args);
      if (round >= 0) timesMs.get(name)?.push(ms);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

printReport(
  `A cold start, ${rounds} processes each`,
  ["", "median", "p95", "goal"],
  [...timesMs].map(([name, times]) => [
    name,
    figure(median(times), "ms"),
    figure(quantile(times, 0.95), "ms"),
    commands[name]?.goal ?? "",
  ]),
);
