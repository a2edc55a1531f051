import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type Bearer, bearerOf } from "../support/bearer.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli } from "../support/cli.ts";
import { policyOf, resolvedPolicy } from "./policy.ts";

const bucketName = "policies";
const parameters = {
  "AWS::Partition": "aws",
  BucketName: bucketName,
  Prefix: "lightning",
  Node: "alice",
};
const to = ["--to", `s3://${bucketName}/lightning`, "--node", "alice"];
const latest = "lightning/alice/latest.json";

// The policies are given to a real server that enforces them, and the program runs under them.
peerSuite("the template's policies, enforced by MinIO", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let task: Bearer;
  let restorer: Bearer;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket(bucketName, { versioning: true });
    bucket = new Bucket(minio, bucketName);
    await bucket.put("lightning/bob/latest.json", "another node's");
    task = await bearerOf(minio, resolvedPolicy(policyOf("TaskRole"), parameters));
    restorer = await bearerOf(minio, resolvedPolicy(policyOf("RestorePolicy"), parameters));
    const run = await runCli(["run", "--once", "--from", "demo", ...to], { env: task.env });
    assert.equal(run.code, 0, run.stderr);
  });

  after(async () => {
    task?.client.destroy();
    restorer?.client.destroy();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
  });

  const denied = { name: "AccessDenied" };
  const object = (Key: string) => ({ Bucket: bucketName, Key });

  it("the task mirrors with its own, and leaves its probe where it may not delete", async () => {
    assert.equal((await bucket.current("lightning/alice")).pointer.sequence, 1);
    const probes = (await bucket.listing()).filter((line) => line.includes("/probe/01"));
    assert.ok(probes.length > 0, "the probe's objects are still there");
  });

  it("the task cannot delete, nor reach another node's folder", async () => {
    const { client } = task;
    const bobs = object("lightning/bob/latest.json");
    await assert.rejects(client.send(new DeleteObjectCommand(object(latest))), denied);
    await assert.rejects(client.send(new GetObjectCommand(bobs)), denied);
    await assert.rejects(client.send(new PutObjectCommand({ ...bobs, Body: "x" })), denied);
    const listing = { Bucket: bucketName, Prefix: "lightning/bob/" };
    await assert.rejects(client.send(new ListObjectsV2Command(listing)), denied);
    await assert.rejects(client.send(new ListObjectsV2Command({ Bucket: bucketName })), denied);
  });

  it("whoever restores can tell, list and restore", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "scb-restore-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "channel.backup");
    for (const command of [["status"], ["list"], ["restore", "-o", file]]) {
      const { code, stderr } = await runCli([...command, ...to], { env: restorer.env });
      assert.equal(code, 0, `${command[0]}: ${stderr}`);
    }
  });

  it("whoever restores can change nothing", async () => {
    const { client } = restorer;
    const listing = await bucket.listing();
    await assert.rejects(client.send(new DeleteObjectCommand(object(latest))), denied);
    const put = new PutObjectCommand({ ...object(latest), Body: "x" });
    await assert.rejects(client.send(put), denied);
    assert.deepEqual(await bucket.listing(), listing);
  });
});
