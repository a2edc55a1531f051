/**
 * The cost of watching many nodes in one bucket on MinIO: how long a round takes, how many requests
 * each node takes while nothing changes, and the program's memory.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { Monitor } from "../../src/monitor/monitor.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { inParallel } from "../../src/runtime/in-parallel.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { countedStore } from "../../src/store/observed-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import { freePort } from "../peers/free-port.ts";
import { startMinio } from "../peers/minio.ts";
import { waitFor } from "../peers/wait-for.ts";
import { makeSwapper, packedBytes, swapOnce } from "../support/mirror-fixture.ts";
import { builtCli } from "./built-cli.ts";
import { figure, median, printReport } from "./report.ts";
import { peakResidentMb } from "./resident.ts";

const nodes = Number(process.argv[2] ?? 1_000);
const versions = Number(process.argv[3] ?? 3);
const rounds = 3;
const goalSeconds = 60;
const goalMb = 200;

await using cli = await builtCli();
await using minio = await startMinio();
await minio.createBucket("watched");
const { endpoint, region, accessKeyId, secretAccessKey } = minio;
const client = new S3Client({
  endpoint,
  region,
  credentials: { accessKeyId, secretAccessKey },
  forcePathStyle: true,
  maxAttempts: 1,
});
const bucket = new S3Store({ client, bucket: "watched", prefix: "", requestTimeoutMs: 30_000 });
const names = Array.from({ length: nodes }, (_, index) => `node-${index}`);
await inParallel(names, async (name) => {
  const swapper = makeSwapper(prefixedStore(bucket, name), { clock: systemClock });
  for (let saved = 0; saved < versions; saved += 1) await swapOnce(swapper, packedBytes(4_000));
});

let requests = 0;
const counted = countedStore(bucket, () => {
  requests += 1;
});
const monitor = new Monitor({
  stores: [{ name: "s3://watched", store: counted }],
  requirement: "all",
  maxAgeMs: 36 * 3_600_000,
  folderMs: 30_000,
  secondLookMs: 5_000,
  clock: systemClock,
  random: systemRandom,
});
const first = await monitor.round();
const ofFirst = requests;
const tookMs: number[] = [];
for (let round = 0; round < rounds; round += 1) tookMs.push((await monitor.round()).tookMs);
const perNode = (requests - ofFirst) / rounds / nodes;
const safe = first.nodes.filter(({ verdict }) => verdict === "safe").length;

const port = await freePort();
const watch = spawn(
  process.execPath,
  [cli.path, "watch", "--to", "s3://watched", "--interval", "1s", "--listen", String(port)],
  { env: { ...process.env, ...minio.env() }, stdio: ["ignore", "ignore", "inherit"] },
);
const began = performance.now();
await waitFor(
  "the program's first round",
  async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    return answer?.status === 200 ? true : undefined;
  },
  { timeoutMs: 300_000 },
);
const firstMs = performance.now() - began;
await delay(30_000);
for (const path of ["/status.json", "/metrics", "/"]) {
  await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}
const memoryMb = peakResidentMb(watch.pid);
watch.kill("SIGTERM");
await once(watch, "close");
client.destroy();

printReport(
  `${nodes} nodes of ${versions} versions in one bucket, ${safe} of them safe (goals: ${goalSeconds} s, ${goalMb} MB, 2 requests a node and round)`,
  ["", "first round", "later ones"],
  [
    ["time", figure(first.tookMs / 1000, "s"), figure(median(tookMs) / 1000, "s")],
    ["requests a node", (ofFirst / nodes).toFixed(2), perNode.toFixed(2)],
    ["the program, from its start", figure(firstMs / 1000, "s"), ""],
    ["memory at most", "", figure(memoryMb, "MB")],
  ],
);
if (median(tookMs) / 1000 > goalSeconds || memoryMb > goalMb || perNode > 2.1) process.exitCode = 1;
