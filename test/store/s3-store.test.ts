import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { inspect } from "node:util";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import {
  collect,
  encode,
  listKeys,
  readText,
  rejectsWith,
  uniqueBytes,
} from "../../src/testing/object-store-helpers.ts";
import type { StoreGround } from "../../src/testing/object-store-suite.ts";
import { peerConformance } from "../conformance/results.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { setEnv } from "../support/env.ts";

const requestTimeoutMs = 10_000;
const buckets = [
  { bucket: "plain", options: {} },
  { bucket: "versioned", options: { versioning: true } },
  { bucket: "locked", options: { objectLock: true } },
];

peerSuite("S3Store on MinIO", ["minio"], () => {
  let minio: MinioServer;
  let env: Disposable | undefined;

  before(async () => {
    minio = await startMinio();
    env = setEnv(minio.env());
    for (const { bucket, options } of buckets) await minio.createBucket(bucket, options);
  });
  after(async () => {
    env?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
  });

  async function openStore(bucket: string, prefix: string): Promise<S3Store> {
    const client = await createS3Client({ requestTimeoutMs, connectTimeoutMs: 5_000 });
    return new S3Store({ client, bucket, prefix, requestTimeoutMs });
  }

  async function newGround(bucket: string): Promise<StoreGround> {
    const prefix = `ground/${randomUUID()}`;
    return { open: () => openStore(bucket, prefix), [Symbol.asyncDispose]: async () => undefined };
  }

  for (const { bucket } of buckets) {
    peerConformance("minio", () => newGround(bucket));
  }

  it("finds endpoint and path style in the environment, and region and endpoint in its options", async () => {
    const fromEnv = await createS3Client({ requestTimeoutMs, connectTimeoutMs: 5_000 });
    assert.equal(fromEnv.config.forcePathStyle, true);
    assert.equal(await fromEnv.config.region(), minio.region);
    fromEnv.destroy();
    using _env = setEnv({ AWS_ENDPOINT_URL_S3: undefined, AWS_REGION: undefined });
    const bare = await createS3Client({
      region: "eu-west-1",
      requestTimeoutMs,
      connectTimeoutMs: 5_000,
    });
    assert.equal(bare.config.forcePathStyle, false);
    bare.destroy();
    const { endpoint } = minio;
    const client = await createS3Client({ endpoint, requestTimeoutMs, connectTimeoutMs: 5_000 });
    assert.equal(await client.config.region(), "us-east-1");
    const store = new S3Store({ client, bucket: "plain", prefix: "", requestTimeoutMs });
    await store.put("by-option", encode("x"));
    assert.equal(await readText(store, "by-option"), "x");
    await store.close();
  });

  it("says of every call that the bucket is not there", async () => {
    const store = await openStore("no-such-bucket", "p");
    await rejectsWith("store-no-bucket", store.get("a"));
    await rejectsWith("store-no-bucket", store.head("a"));
    await rejectsWith("store-no-bucket", store.put("a", uniqueBytes()));
    for (const condition of [{ kind: "absent" }, { kind: "match", etag: '"x"' }] as const) {
      await rejectsWith("store-no-bucket", store.put("a", uniqueBytes(), { condition }));
    }
    await rejectsWith("store-no-bucket", store.delete("a"));
    await rejectsWith("store-no-bucket", collect(store.list("")));
    await rejectsWith("store-no-bucket", collect(store.listFolders("")));
    await store.close();
  });

  const credentials = [
    {
      name: "an unknown access key",
      env: { AWS_ACCESS_KEY_ID: "nobody-knows-me" },
      says: /AWS_ACCESS_KEY_ID/,
    },
    {
      name: "a wrong secret",
      env: { AWS_SECRET_ACCESS_KEY: "wrong-secret-0" },
      says: /secret key/,
    },
    {
      name: "none",
      env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      says: /no credentials found: set AWS_ACCESS_KEY_ID/,
    },
  ];
  for (const { name, env, says } of credentials) {
    it(`denies with the remedy, and without the secret, for credentials: ${name}`, async () => {
      using _env = setEnv(env);
      const store = await openStore("plain", "p");
      const calls = [
        () => store.get("a"),
        () => store.put("a", uniqueBytes()),
        () => collect(store.list("")),
      ];
      for (const call of calls) {
        const error = await rejectsWith("store-denied", call());
        assert.match(error.message, says);
        assert.doesNotMatch(
          inspect(error, { depth: null, showHidden: true }),
          /wrong-secret-0|nobody-knows-me/,
        );
      }
      await rejectsWith("store-denied", store.head("a"));
      await store.close();
    });
  }

  it("keeps to its prefix", async () => {
    const [root, inner, sibling] = [
      await openStore("plain", ""),
      await openStore("plain", "pre/fix"),
      await openStore("plain", "pre/fix2"),
    ];
    await inner.put("a/b", encode("inner"));
    await sibling.put("a/b", encode("sibling"));
    assert.equal(await readText(root, "pre/fix/a/b"), "inner");
    assert.deepEqual(await listKeys(inner), ["a/b"]);
    assert.deepEqual(await listKeys(root, "pre/"), ["pre/fix/a/b", "pre/fix2/a/b"]);
    assert.equal(inner.location, "s3://plain/pre/fix");
    assert.equal(root.location, "s3://plain");
    for (const store of [root, inner, sibling]) await store.close();
  });

  it("lists more than one page, in order", async () => {
    const store = await openStore("plain", `pages-${randomUUID()}`);
    const keys = Array.from({ length: 1_050 }, (_, index) => `v/${String(index).padStart(5, "0")}`);
    const left = [...keys];
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop())
          await store.put(key, encode("x"));
      }),
    );
    assert.deepEqual(await listKeys(store, "v/"), keys);
    assert.deepEqual(await listKeys(store, "v/", "v/01020"), keys.slice(1_021));
    await store.close();
  });

  it("is busy while the store is down, and works on when it is back", async () => {
    const store = await openStore("plain", "outage");
    await store.put("a", encode("before"));
    await minio.kill();
    await rejectsWith("store-busy", store.put("a", encode("during")));
    await rejectsWith("store-busy", store.get("a"));
    await minio.restart();
    assert.equal(await readText(store, "a"), "before");
    await store.close();
  });
});
