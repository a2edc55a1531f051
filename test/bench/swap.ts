/**
 * The time of one swap, and its floor in the same run: two plain PUTs of the same bytes, one after
 * the other, over a kept-alive connection to the same MinIO. All take turns, so that whatever else
 * the machine does meets them alike. With a latency all of them go through a proxy, in a process of
 * its own, that adds it to each request.
 */
import { createHash, randomBytes } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { newCandidate } from "../../src/mirror/candidate.ts";
import { HeldBackups } from "../../src/mirror/held-backups.ts";
import { mirrorGuards } from "../../src/mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { startMinio } from "../peers/minio.ts";
import { setEnv } from "../support/env.ts";
import { PlainClient } from "./plain-put.ts";
import { figure, median, printReport, quantile } from "./report.ts";
import { startSlowLine } from "./slow-line.ts";

const rounds = Number(process.argv[2] ?? 600);
const latencyMs = Number(process.argv[3] ?? 0);
const warmUpRounds = 100;
const bucket = "swap";
const multiSizeBytes = 7_000;
/** The size of `latest.json` when it remembers all its 64 operations. */
const pointerSizeBytes = 2_550;
const channelPoints = Array.from({ length: 6 }, (_, at) => `${"0".repeat(63)}${at}:0`);

await using minio = await startMinio();
await minio.createBucket(bucket);
using line = await startSlowLine(minio.endpoint, latencyMs);
const { endpoint } = line;
using _env = setEnv({ ...minio.env(), AWS_ENDPOINT_URL_S3: endpoint });
const { region, accessKeyId, secretAccessKey } = minio;

const store = await openStore(parseLocation(`s3://${bucket}`), { logger: silentLogger });
const folder = prefixedStore(store, "node");
const nobody = { witness: null, inspect: null, logger: silentLogger };
const heldBackups = new HeldBackups({ store: folder, ...nobody });
const swapper = new ObjectStoreSwapper({
  store: folder,
  writer: "scb-mirror/bench localhost 1",
  node: { pubkey: `02${"ab".repeat(32)}`, network: "regtest" },
  guards: mirrorGuards(heldBackups, () => false),
  heldBackups,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
});
const sdk = new S3Client({
  endpoint,
  region,
  credentials: { accessKeyId, secretAccessKey },
  forcePathStyle: true,
});
using plain = new PlainClient({ ...minio, endpoint });
/** The pointer of the contender that sends our headers without our program. */
let etag = "";

/** Each gets the bytes of a version and of a pointer, prepares, and gives what is to be timed. */
const contenders: Readonly<
  Record<string, (multi: Buffer, pointer: Buffer) => () => Promise<unknown>>
> = {
  "plain PUTs, raw": (multi, pointer) => {
    const first = plain.sign(bucket, `raw/${multi.toString("hex", 0, 16)}`, multi);
    const second = plain.sign(bucket, "raw/latest.json", pointer);
    return async () => {
      await plain.put(first);
      await plain.put(second);
    };
  },
  "PUTs with our headers, raw": (multi, pointer) => {
    const first = plain.sign(bucket, `ours/${multi.toString("hex", 0, 16)}`, multi, {
      "if-none-match": "*",
      "content-md5": createHash("md5").update(multi).digest("base64"),
      "content-type": "application/octet-stream",
      "x-amz-meta-scb-schema": "1",
      "x-amz-meta-scb-operation": "0".repeat(26),
      "x-amz-meta-scb-sequence": "1000",
      "x-amz-meta-scb-sha256": "0".repeat(64),
      "x-amz-meta-scb-previous-key": "0".repeat(63),
      "x-amz-meta-scb-previous-sha256": "0".repeat(64),
    });
    const second = plain.sign(bucket, "ours/latest.json", pointer, {
      ...(etag === "" ? { "if-none-match": "*" } : { "if-match": etag }),
      "content-md5": createHash("md5").update(pointer).digest("base64"),
      "content-type": "application/json",
    });
    return async () => {
      await plain.put(first);
      etag = await plain.put(second);
    };
  },
  "plain PUTs, AWS SDK": (multi, pointer) => async () => {
    const put = (key: string, body: Buffer): Promise<unknown> =>
      sdk.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    await put(`sdk/${multi.toString("hex", 0, 16)}`, multi);
    await put("sdk/latest.json", pointer);
  },
  swap: (packed) => async () => {
    const base = await swapper.base();
    const candidate = newCandidate(packed, { channelPoints, bareChannelPoints: [] }, "lnd");
    await swapper.advance(await swapper.begin(base, candidate));
  },
};

const names = Object.keys(contenders);
const timesMs = new Map<string, number[]>(names.map((name) => [name, []]));
for (let round = -warmUpRounds; round < rounds; round += 1) {
  // Each goes first as often as last.
  const turn = ((round % names.length) + names.length) % names.length;
  for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
    const prepare = contenders[name];
    const run = prepare?.(randomBytes(multiSizeBytes), randomBytes(pointerSizeBytes));
    const startedAtMs = performance.now();
    await run?.();
    if (round >= 0) timesMs.get(name)?.push(performance.now() - startedAtMs);
  }
}
sdk.destroy();
await store.close();

const floorMs = median(timesMs.get("plain PUTs, raw") ?? []);
printReport(
  `A swap of ${multiSizeBytes} bytes, ${rounds} rounds, ${latencyMs} ms of latency added`,
  ["", "median", "p95", "of the raw floor"],
  [...timesMs].map(([name, times]) => [
    name,
    figure(median(times), "ms"),
    figure(quantile(times, 0.95), "ms"),
    (median(times) / floorMs).toFixed(2),
  ]),
);
