/**
 * What a second copy costs: a long history from one bucket of MinIO to another by `copy --apply`, as a
 * whole process, beside a plain copy with the AWS SDK and, if it is installed, rclone's.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { startMinio } from "../peers/minio.ts";
import { setEnv } from "../support/env.ts";
import { builtCli } from "./built-cli.ts";
import { fillHistory } from "./long-history.ts";
import { type Measured, measured } from "./measured.ts";
import { figure, printReport } from "./report.ts";

const count = Number(process.argv[2] ?? 10_000);
const plainCopy = fileURLToPath(new URL("plain-copy.ts", import.meta.url));

await using cli = await builtCli();
await using minio = await startMinio();
const home = await mkdtemp(join(tmpdir(), "scb-bench-"));
const env = { PATH: process.env["PATH"], HOME: home, ...minio.env() };
using _env = setEnv(minio.env());

function copy(to: string, ...more: readonly string[]): Promise<Measured> {
  const stores = ["--from-store", "s3://source", "--to", `s3://${to}`];
  return measured([cli.path, "copy", ...stores, "--node", "node", ...more], env);
}

function rcloneCopy(): Measured | null {
  const remote = `:s3,provider=Minio,env_auth=true,endpoint='${minio.endpoint}'`;
  const startedAtMs = performance.now();
  const args = ["copy", "--transfers", "16", "--metadata", `${remote}:source`, `${remote}:rclone`];
  const { error, status } = spawnSync("rclone", args, { env, stdio: ["ignore", "ignore", 2] });
  if (error !== undefined) return null;
  if (status !== 0) throw new Error(`rclone ended with ${status}`);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { seconds, busySeconds: Number.NaN, peakMb: Number.NaN };
}

try {
  for (const bucket of ["source", "target", "plain", "rclone"]) await minio.createBucket(bucket);
  const root = await openStore("s3://source", { logger: silentLogger });
  await fillHistory(prefixedStore(root, "node"), count);
  await root.close();

  const plain = await measured([plainCopy, "source", "plain"], env);
  const rclone = rcloneCopy();
  const runs: readonly (readonly [string, Measured])[] = [
    ["plain copy with the SDK", plain],
    ...(rclone === null ? [] : [["rclone copy", rclone] as const]),
    ["copy (a plan)", await copy("target")],
    ["copy --apply", await copy("target", "--apply")],
    ["copy --apply again", await copy("target", "--apply")],
  ];
  const rows = runs.map(([name, { seconds, busySeconds, peakMb }]) => [
    name,
    figure(seconds, "s"),
    figure(seconds / plain.seconds, ""),
    figure(busySeconds, "s"),
    figure(peakMb, "MB"),
  ]);
  printReport(
    `${count} versions between two buckets of MinIO`,
    ["", "time", "of the plain copy", "of processor", "peak memory"],
    rows,
    rclone === null ? ["rclone is not installed"] : [],
  );
} finally {
  await rm(home, { recursive: true, force: true });
}
