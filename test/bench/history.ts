/**
 * What a long history costs: `verify` over all of it, and what an operator asks on any day, each as a
 * whole process. On MinIO and on a folder.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import PQueue from "p-queue";
import { ulid } from "ulid";
import { latestKey, versionKey } from "../../src/repository/layout.ts";
import { encodePointer, type Pointer } from "../../src/repository/pointer.ts";
import { writeVersionMetadata } from "../../src/repository/version-metadata.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { startMinio } from "../peers/minio.ts";
import { builtCli } from "./built-cli.ts";
import { figure, printReport } from "./report.ts";
import { peakResidentMb, processorSeconds } from "./resident.ts";

const inBucket = Number(process.argv[2] ?? 10_000);
const inFolder = Number(process.argv[3] ?? 100_000);
const versionSizeBytes = 2500;
const tenYearsMs = 10 * 365 * 86_400_000;

/** Writes a history of `count` versions, the newest of this moment, and its pointer. */
async function fill(store: ObjectStore, count: number): Promise<void> {
  const queue = new PQueue({ concurrency: 32 });
  const startMs = Date.now() - tenYearsMs;
  const recentOperations: string[] = [];
  let previous: Pointer["previous"] = null;
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const operation = ulid(Math.round(startMs + (sequence / count) * tenYearsMs));
    const key = versionKey(sequence, operation);
    const bytes = systemRandom.bytes(versionSizeBytes);
    const sha256 = sha256Hex(bytes);
    const metadata = writeVersionMetadata({
      operation,
      sequence,
      sha256,
      previous,
      singleWriter: false,
      channelPointsSha256: null,
      bareChannels: null,
      alsoRestore: [],
    });
    await queue.onSizeLessThan(64);
    void queue.add(() => store.put(key, bytes, { metadata }));
    recentOperations.push(operation);
    if (sequence === count) {
      await queue.onIdle();
      const pointer: Pointer = {
        schema: 1,
        sequence,
        version: { key, size: bytes.length, sha256 },
        previous,
        committedAt: new Date().toISOString(),
        writer: "a benchmark",
        operation,
        recentOperations: recentOperations.slice(-64),
        node: { pubkey: null, network: null },
        verifiedBy: null,
        channels: null,
        channelPointsSha256: null,
      };
      await store.put(latestKey, encodePointer(pointer));
    }
    previous = { key, sha256 };
  }
}

await using cli = await builtCli();
await using minio = await startMinio();
await minio.createBucket("history");
const home = await mkdtemp(join(tmpdir(), "scb-bench-"));
const env = { PATH: process.env["PATH"], HOME: home, ...minio.env() };
for (const [name, value] of Object.entries(minio.env())) {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

async function run(args: readonly string[]): Promise<readonly string[]> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [cli.path, ...args], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  let peakMb = 0;
  let busySeconds = 0;
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, peakResidentMb(child.pid));
    busySeconds = Math.max(busySeconds, processorSeconds(child.pid));
  }, 10);
  const [code] = await once(child, "exit");
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  const seconds = (performance.now() - startedAtMs) / 1000;
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
    await fill(prefixedStore(root, "node"), count);
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
