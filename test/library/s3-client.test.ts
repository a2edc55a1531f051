import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { S3, S3Client } from "@aws-sdk/client-s3";
import { s3Store } from "../../src/store/injected-s3-store.ts";
import { HostileS3 } from "../peers/hostile-s3.ts";

describe("a store through a client of the program's own", () => {
  const credentials = { accessKeyId: "me", secretAccessKey: "secret" };

  it("reads and writes, and closes the client with it", async () => {
    await using service = await HostileS3.start();
    const client = new S3Client({
      ...{ endpoint: service.endpoint, region: "us-east-1", forcePathStyle: true, credentials },
      ...{ maxAttempts: 1, requestChecksumCalculation: "WHEN_REQUIRED" },
    });
    const store = await s3Store({ client, bucket: "bucket", prefix: "some/where" });
    assert.equal(store.location, "s3://bucket/some/where");
    const bytes = new TextEncoder().encode("hello");
    await store.put("a/b", bytes, { condition: { kind: "absent" } });
    assert.deepEqual((await store.get("a/b"))?.bytes, bytes);
    await assert.rejects(store.put("a/b", bytes, { condition: { kind: "absent" } }), {
      code: "store-precondition",
    });
    assert.equal(await store.get("a/c"), null);
    await store.close();
  });

  it("refuses a client that sends a request again, and a prefix that is none", async () => {
    for (const client of [new S3Client({ region: "x" }), new S3({ region: "x", maxAttempts: 2 })]) {
      await assert.rejects(s3Store({ client, bucket: "bucket" }), {
        code: "usage",
        message: /maxAttempts: 1/,
      });
    }
    const client = new S3Client({ region: "x", maxAttempts: 1 });
    await assert.rejects(s3Store({ client, bucket: "bucket", prefix: "/up" }), { code: "usage" });
  });
});
