import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import type { Fault } from "../peers/fault-proxy/fault.ts";
import { FaultProxy } from "../peers/fault-proxy/fault-proxy.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { goOn } from "../recovery/copy-world.ts";
import { Bucket } from "../support/bucket.ts";
import { type CliResult, runCli, startCli } from "../support/cli.ts";
import { credentialFor } from "../support/credential.ts";
import { setEnv } from "../support/env.ts";
import { packedBytes } from "../support/mirror-fixture.ts";

peerSuite("copy between buckets", ["minio"], () => {
  let minio: MinioServer;
  const count = 40;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket("source");
    await commitTo("s3://source", count);
  });
  after(() => minio[Symbol.asyncDispose]());

  async function commitTo(url: string, commits: number): Promise<void> {
    using _env = setEnv(minio.env());
    const root = await openStore(url, { logger: silentLogger });
    await goOn(prefixedStore(root, "alice"), commits);
    await root.close();
  }

  const argsFor = (from: string, to: string): string[] => [
    ...["copy", "--apply", "--from-store", from, "--to", to, "--node", "alice"],
  ];
  const copy = (from: string, to: string, env = minio.env()): Promise<CliResult> =>
    runCli(argsFor(from, to), { env });

  /** What a copy must contain: everything but the probe's objects. */
  async function contentOf(name: string, prefix = ""): Promise<readonly string[]> {
    using bucket = new Bucket(minio, name);
    const folder = `${prefix}alice/`;
    return (await bucket.listing())
      .filter((line) => line.startsWith(folder) && !line.includes("/probe/"))
      .map((line) => line.slice(prefix.length));
  }

  async function assertCopied(name: string, prefix = ""): Promise<void> {
    const copied = await contentOf(name, prefix);
    const isVersion = (line: string): boolean => line.includes("/versions/");
    assert.deepEqual(copied.filter(isVersion), (await contentOf("source")).filter(isVersion));
    using source = new Bucket(minio, "source");
    using target = new Bucket(minio, name);
    for (const line of copied) {
      const key = line.split(" ")[0] ?? "";
      const [had, has] = [await source.get(key), await target.get(`${prefix}${key}`)];
      assert.deepEqual(has.metadata, had.metadata, key);
      assert.deepEqual(JSON.stringify(has.bytes), JSON.stringify(had.bytes), key);
    }
    const to = `s3://${name}/${prefix}`.replace(/\/$/, "");
    const verified = await runCli(["verify", "--to", to, "--node", "alice"], { env: minio.env() });
    assert.equal(verified.code, 0, verified.stdout);
  }

  const moments: readonly (readonly [string, (path: string, versions: number) => boolean])[] = [
    ["the first version", (path) => path.includes("/versions/")],
    ["half of the versions", (path, versions) => path.includes("/versions/") && versions > 20],
    ["the last version", (path, versions) => path.includes("/versions/") && versions >= count],
    ["the mark of the first commit", (path) => path.endsWith("/origin.json")],
    ["the pointer", (path) => path.endsWith("/latest.json")],
  ];
  const fates: readonly (readonly [string, Fault])[] = [
    ["before the store has heard of it", { kind: "lose-request", how: "hang" }],
    ["after the store has taken it", { kind: "lose-answer", how: "hang" }],
  ];
  for (const [at, [moment, isMoment]] of moments.entries()) {
    for (const [fateAt, [fate, fault]] of fates.entries()) {
      it(`killed at ${moment}, ${fate}: the same command goes on`, async () => {
        const name = `killed-${at}-${fateAt}`;
        await minio.createBucket(name);
        await using proxy = await FaultProxy.start({ endpoint: minio.endpoint });
        const to = `s3://${name}?endpoint=${proxy.endpoint}`;
        const args = argsFor("s3://source", to);
        let versions = 0;
        let isKilled = false;
        const dying = startCli(args, { env: minio.env() });
        proxy.plan = ({ method, path }) => {
          if (isKilled) return { kind: "lose-request", how: "reset" };
          if (method !== "PUT") return { kind: "pass" };
          if (path.includes("/versions/")) versions += 1;
          if (!isMoment(path, versions)) return { kind: "pass" };
          isKilled = true;
          dying.kill("SIGKILL");
          return fault;
        };
        assert.equal((await dying.result).code, null, "it was killed");
        assert.ok(isKilled);
        const again = await copy("s3://source", `s3://${name}`);
        assert.equal(again.code, 0, again.stderr);
        await assertCopied(name);
      });
    }
  }

  it("stopped by a person it says how far it came, and writes nothing to stdout", async () => {
    await minio.createBucket("stopped");
    await using proxy = await FaultProxy.start({ endpoint: minio.endpoint });
    const args = argsFor("s3://source", `s3://stopped?endpoint=${proxy.endpoint}`);
    const child = startCli(args, { env: minio.env() });
    let versions = 0;
    proxy.plan = ({ method, path }) => {
      if (method === "PUT" && path.includes("/versions/")) versions += 1;
      if (versions === 20) child.kill("SIGINT");
      return versions < 20 ? { kind: "pass" } : { kind: "lose-request", how: "hang" };
    };
    const { code, stdout, stderr } = await child.result;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^scb-mirror: .*of 40 versions are in the target; .*run the same command again to continue.*\n$/,
    );
    assert.equal((await copy("s3://source", "s3://stopped")).code, 0);
    await assertCopied("stopped");
  });

  it("through a store that is slow, busy and loses answers", async () => {
    await minio.createBucket("weather");
    await using proxy = await FaultProxy.start({ endpoint: minio.endpoint });
    let asked = 0;
    proxy.plan = ({ path }) => {
      asked += 1;
      if (!path.includes("/versions/") && !path.endsWith("/latest.json")) return { kind: "pass" };
      if (asked % 5 === 0) return { kind: "refuse", with: "SlowDown" };
      if (asked % 7 === 0) return { kind: "lose-answer", how: "reset" };
      if (asked % 11 === 0) return { kind: "cut-request" };
      return { kind: "pass" };
    };
    const done = await copy("s3://source", `s3://weather?endpoint=${proxy.endpoint}`);
    assert.equal(done.code, 0, done.stderr);
    await assertCopied("weather");
  });

  it("names what was meddled with at the target, and leaves it", async () => {
    await minio.createBucket("meddled");
    await copy("s3://source", "s3://meddled");
    using bucket = new Bucket(minio, "meddled");
    const [line = ""] = (await contentOf("meddled")).filter((one) => one.includes("/versions/"));
    const key = line.split(" ")[0] ?? "";
    const { bytes, metadata } = await bucket.get(key);
    await bucket.put(key, packedBytes(bytes.length), metadata);
    const before = await contentOf("meddled");
    const found = await copy("s3://source", "s3://meddled");
    assert.equal(found.code, 3, found.stderr);
    assert.match(found.stdout, new RegExp(`differs: ${key.replace("alice/", "")}`));
    assert.deepEqual(await contentOf("meddled"), before);
  });

  it("refuses a bucket in which a mirror of another history is at home", async () => {
    await minio.createBucket("others");
    await commitTo("s3://others", 2);
    const before = await contentOf("others");
    const refused = await copy("s3://source", "s3://others");
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /another branch|its history is a different one/);
    assert.deepEqual(await contentOf("others"), before);
  });

  it("copies within a bucket, and finds one place by two names", async () => {
    await minio.createBucket("one");
    assert.equal((await copy("s3://source", "s3://one/a")).code, 0);
    assert.equal((await copy("s3://one/a", "s3://one/b")).code, 0);
    await assertCopied("one", "b/");
    await using proxy = await FaultProxy.start({ endpoint: minio.endpoint });
    const before = await contentOf("one", "a/");
    for (const to of ["s3://one/a", `s3://one/a?endpoint=${proxy.endpoint}`]) {
      const wrong = await copy("s3://one/a", to);
      assert.equal(wrong.code, 2, wrong.stdout);
      assert.match(wrong.stderr, /the same place/);
    }
    assert.deepEqual(await contentOf("one", "a/"), before);
  });

  it("needs to read the one, and to read and add to the other", async () => {
    await minio.createBucket("least");
    const env = await credentialFor(minio, [
      { actions: ["s3:GetObject"], resources: ["source/*", "least/*"] },
      { actions: ["s3:PutObject"], resources: ["least/*"] },
      { actions: ["s3:ListBucket"], resources: ["source", "least"] },
    ]);
    const done = await copy("s3://source", "s3://least", env);
    assert.equal(done.code, 0, done.stderr);
    await assertCopied("least");
    const denied = await copy("s3://least", "s3://source", env);
    assert.equal(denied.code, 1, denied.stdout);
    assert.match(denied.stderr, /may not do this/);
  });

  it("copies to a folder and back, with all that each version says of itself", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-copy-"));
    try {
      const url = pathToFileURL(join(folder, "store")).href;
      assert.equal((await copy("s3://source", url)).code, 0);
      await minio.createBucket("back");
      assert.equal((await copy(url, "s3://back")).code, 0);
      await assertCopied("back");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
