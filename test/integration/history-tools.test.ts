import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { FaultProxy } from "../peers/fault-proxy/fault-proxy.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { makeSwapper, readPointer, swapOnce } from "../support/mirror-fixture.ts";

const cliPath = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

peerSuite("verify, repair and prune on a bucket", ["minio"], () => {
  let minio: MinioServer;
  before(async () => {
    minio = await startMinio();
  });
  after(() => minio[Symbol.asyncDispose]());

  const run = (...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { env: minio.env() });

  /** A bucket with this many versions of the node alice. */
  async function newHistory(bucket: string, commits: number) {
    await minio.createBucket(bucket, { versioning: true });
    const { accessKeyId, secretAccessKey, region, endpoint } = minio;
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const location = { kind: "s3", bucket, prefix: "", region, endpoint } as const;
    const root = await openStore(location, { logger: silentLogger });
    const store = prefixedStore(root, "alice");
    const swapper = makeSwapper(store);
    for (let n = 0; n < commits; n += 1) await swapOnce(swapper);
    return { to: ["--to", `s3://${bucket}`], store, [Symbol.asyncDispose]: () => root.close() };
  }

  it("prune leaves what verify finds whole, and says what is still underneath", async () => {
    await using history = await newHistory("prune", 12);
    const { to } = history;
    using bucket = new Bucket(minio, "prune");
    const before = await bucket.listing();
    const policy = ["--keep-last", "4"];
    assert.equal((await run("prune", ...to, ...policy)).code, 0);
    assert.deepEqual(await bucket.listing(), before);
    const applied = await run("prune", ...to, ...policy, "--apply");
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /8 versions removed.*This bucket keeps versions/s);
    const left = (await bucket.listing()).filter((line) => line.includes("/versions/"));
    assert.equal(left.length, 4);
    const verify = await run("verify", ...to);
    assert.equal(verify.code, 0, verify.stdout);
    assert.match(verify.stdout, /all 4 versions were read back/);
    await swapOnce(makeSwapper(history.store, { clock: systemClock }));
    assert.equal((await run("status", ...to)).code, 0);
  });

  it("repair brings a deleted pointer back, and a mirror goes on from it", async () => {
    await using history = await newHistory("repair", 3);
    const { to, store } = history;
    const { version } = await readPointer(store);
    await store.delete("latest.json");
    assert.equal((await run("repair", ...to)).code, 3);
    assert.equal((await run("repair", ...to, "--apply")).code, 0);
    assert.deepEqual((await readPointer(store)).version, version);
    assert.equal((await swapOnce(makeSwapper(store))).sequence, 4);
    assert.equal((await run("verify", ...to)).code, 0);
  });

  it("an interrupted verify says how far it came, and reports nothing", async () => {
    await using history = await newHistory("interrupted", 150);
    await using proxy = await FaultProxy.start({ endpoint: minio.endpoint });
    const args = [cliPath, "verify", "--json", ...history.to];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...minio.env(), AWS_ENDPOINT_URL_S3: proxy.endpoint },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      output.stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output.stderr += chunk.toString();
    });
    let asked = 0;
    proxy.plan = () => {
      asked += 1;
      if (asked < 60) return { kind: "pass" };
      // From here on nothing is answered, so the signal surely comes before the end.
      if (asked === 60) child.kill("SIGINT");
      return { kind: "lose-request", how: "hang" };
    };
    const [code] = await once(child, "close");
    assert.equal(code, 1, output.stdout);
    assert.equal(output.stdout, "");
    assert.match(output.stderr, /^scb-mirror: .*\d+ of 150 versions were read back.*\n$/);
  });
});
