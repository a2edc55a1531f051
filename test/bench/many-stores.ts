/**
 * What three stores cost one mirror, beside one store in the same run: from the node's event to the
 * commit in the slowest of them, over lines with latency, and the memory that is taken.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { builtCli } from "./built-cli.ts";
import { figure, median, printReport } from "./report.ts";
import { residentMb } from "./resident.ts";
import { type SlowLine, startSlowLine } from "./slow-line.ts";

const events = Number(process.argv[2] ?? 60);
const latencyMs = Number(process.argv[3] ?? 20);
const goalRatio = 1.15;
const goalMb = 120;

interface Place extends Disposable {
  readonly minio: MinioServer;
  readonly line: SlowLine;
  readonly to: string;
}

interface Measured {
  /** For each event, the commit in the slowest store. */
  readonly slowestMs: readonly number[];
  readonly rssMb: number;
}

await using cli = await builtCli();
const folder = await mkdtemp(`${tmpdir()}/scb-bench-`);
const places: Place[] = [];
try {
  for (const name of ["one", "two", "three"]) {
    const minio = await startMinio();
    await minio.createBucket(name);
    const line = await startSlowLine(minio.endpoint, latencyMs);
    const to = `s3://${name}?endpoint=${line.endpoint}`;
    places.push({ minio, line, to, [Symbol.dispose]: () => line[Symbol.dispose]() });
  }
  const rows: string[][] = [];
  let oneMs = 0;
  for (const stores of [places.slice(0, 1), places]) {
    const { slowestMs, rssMb } = await measure(stores);
    const medianMs = median(slowestMs);
    oneMs ||= medianMs;
    rows.push([
      `${stores.length} with ${latencyMs} ms of latency each`,
      figure(medianMs, "ms"),
      (medianMs / oneMs).toFixed(2),
      figure(rssMb, "MB"),
    ]);
  }
  printReport(
    `${events} events: from the node's event to the commit in the slowest store (goals: ratio ${goalRatio}, ${goalMb} MB)`,
    ["stores", "median", "ratio", "memory"],
    rows,
  );
} finally {
  for (const { minio, line } of places) {
    line[Symbol.dispose]();
    await minio[Symbol.asyncDispose]();
  }
  await rm(folder, { recursive: true, force: true });
}

async function measure(stores: readonly Place[]): Promise<Measured> {
  const { AWS_ENDPOINT_URL_S3: _, ...credentials } = stores[0]?.minio.env() ?? {};
  const node = `of-${stores.length}`;
  const child = spawn(
    process.execPath,
    [
      ...[cli.path, "run", "--json", "--from", "demo", "--demo-interval", "400ms"],
      ...["--min-interval", "1ms", "--node", node, ...stores.flatMap(({ to }) => ["--to", to])],
    ],
    {
      env: { PATH: process.env["PATH"], HOME: folder, ...credentials },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const byStore = new Map(stores.map(({ to }) => [to, [] as number[]]));
  for await (const line of createInterface({ input: child.stdout })) {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null || !("event" in event)) continue;
    if (event.event !== "swapped" || !("store" in event) || !("elapsedMs" in event)) continue;
    byStore.get(String(event.store))?.push(Number(event.elapsedMs));
    if ([...byStore.values()].every((times) => times.length >= events)) break;
  }
  const rssMb = residentMb(child.pid);
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
  const slowestMs = Array.from({ length: events }, (_, index) =>
    Math.max(...[...byStore.values()].map((times) => times[index] ?? 0)),
  );
  return { slowestMs, rssMb };
}
