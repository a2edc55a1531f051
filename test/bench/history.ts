/**
 * What a long history costs: `verify` over all of it, and an operator's everyday commands, each as a
 * whole process. On MinIO and on a folder.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { startMinio } from "../peers/minio.ts";
import { setEnv } from "../support/env.ts";
import { builtCli } from "./built-cli.ts";
import { fillHistory } from "./long-history.ts";
import { measured } from "./measured.ts";
import { figure, printReport } from "./report.ts";

const inBucket = Number(process.argv[2] ?? 10_000);
const inFolder = Number(process.argv[3] ?? 100_000);
await using cli = await builtCli();
await using minio = await startMinio();
await minio.createBucket("history");
const home = await mkdtemp(join(tmpdir(), "scb-bench-"));
const env = { PATH: process.env["PATH"], HOME: home, ...minio.env() };
using _env = setEnv(minio.env());

async function run(args: readonly string[]): Promise<readonly string[]> {
  const { seconds, busySeconds, peakMb } = await measured([cli.path, ...args], env);
  return [figure(seconds, "s"), figure(busySeconds, "s"), figure(peakMb, "MB")];
}

try {
  const stores = [
    { name: "MinIO", url: "s3://history", count: inBucket, verified: true },
    {
      name: "folder",
      url: pathToFileURL(join(home, "store")).href,
      count: inFolder,
      verified: false,
    },
  ];
  for (const { name, url, count, verified } of stores) {
    const root = await openStore(parseLocation(url), { logger: silentLogger });
    await fillHistory(prefixedStore(root, "node"), count);
    await root.close();
    const middle = String(Math.floor(count / 2));
    const output = ["--force", "-o", join(home, "channel.backup")];
    const commands = [
      ...(verified ? [["verify"]] : []),
      ["verify", "--sample", "100"],
      ["status"],
      ["list"],
      ...(verified ? [["list", "--json"]] : []),
      ["restore", "latest", ...output],
      ["restore", middle, ...output],
      ["prune", "--keep-daily", "30", "--keep-monthly", "120"],
    ];
    const rows: (readonly string[])[] = [];
    for (const args of commands) {
      const shown = args.filter((arg) => !output.includes(arg)).join(" ");
      rows.push([shown, ...(await run([...args, "--to", url, "--node", "node"]))]);
    }
    printReport(`${count} versions, ${name}`, ["", "time", "of processor", "peak memory"], rows);
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
