import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { z } from "zod";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type Bearer, bearerOf } from "../support/bearer.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli } from "../support/cli.ts";
import { doctorSchema, levelsOf, messageOf } from "../support/doctor-report.ts";

const bucketName = "documented";
const folder = "lightning/alice";
const to = ["--to", `s3://${bucketName}/lightning`, "--node", "alice"];

const policySchema = z.object({
  Version: z.string(),
  Statement: z.array(z.looseObject({ Sid: z.string() })),
});

const page = await readFile(new URL("../../docs/stores.md", import.meta.url), "utf8");

/** A policy as it stands in docs/stores.md, with its names put in; without the statements `less`. */
function documentedPolicy(name: "mirror" | "restore", less: readonly string[] = []): string {
  const text = new RegExp(`\`\`\`json ${name}\\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? "";
  const policy = policySchema.parse(JSON.parse(text));
  const kept = policy.Statement.filter(({ Sid }) => !less.includes(Sid));
  assert.equal(kept.length, policy.Statement.length - less.length);
  return JSON.stringify({ ...policy, Statement: kept })
    .replaceAll("my-bucket", bucketName)
    .replaceAll("NODE", "alice");
}

peerSuite("the documented policies, enforced by MinIO", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  const bearers: Bearer[] = [];
  const bearer = async (policy: string): Promise<Bearer> => {
    const made = await bearerOf(minio, policy);
    bearers.push(made);
    return made;
  };
  let mirror: Bearer;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket(bucketName, { versioning: true });
    bucket = new Bucket(minio, bucketName);
    mirror = await bearer(documentedPolicy("mirror"));
    const run = await runCli(["run", "--once", "--from", "demo", ...to], { env: mirror.env });
    assert.equal(run.code, 0, run.stderr);
  });
  after(async () => {
    for (const { client } of bearers) client.destroy();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
  });

  async function doctor(
    { env, secrets }: Pick<Bearer, "env" | "secrets">,
    { code, args = to }: { readonly code: number; readonly args?: readonly string[] },
  ) {
    const {
      stdout,
      stderr,
      json,
      code: exit,
    } = await runCli(["doctor", "--json", ...args], { env });
    assert.equal(exit, code, stdout + stderr);
    assert.equal(stderr, "");
    for (const secret of secrets) assert.ok(!stdout.includes(secret), "no secret is told");
    const report = doctorSchema.parse(json());
    assert.equal(report.ok, code === 0);
    assert.equal(
      report.ok,
      report.checks.every(({ ok }) => ok),
    );
    return report;
  }

  async function restoreAndStatus({ env }: Bearer): Promise<void> {
    const out = await mkdtemp(join(tmpdir(), "scb-restore-"));
    try {
      const file = join(out, "channel.backup");
      for (const command of [["status"], ["list"], ["restore", "-o", file]]) {
        const { code, stderr } = await runCli([...command, ...to], { env });
        assert.equal(code, 0, `${command[0]}: ${stderr}`);
      }
      assert.deepEqual(await readFile(file), Buffer.from((await bucket.current(folder)).bytes));
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  }

  const denied = { name: "AccessDenied" };
  async function cannotDelete({ client }: Bearer): Promise<void> {
    const { pointer } = await bucket.current(folder);
    for (const key of ["latest.json", pointer.version.key, "origin.json"]) {
      const object = { Bucket: bucketName, Key: `${folder}/${key}` };
      await assert.rejects(client.send(new DeleteObjectCommand(object)), denied);
      const version = new DeleteObjectCommand({ ...object, VersionId: "null" });
      await assert.rejects(client.send(version), denied);
    }
  }

  it("the mirror's suffices, and doctor has nothing against it", async () => {
    await restoreAndStatus(mirror);
    const listing = await bucket.listing();
    const report = await doctor(mirror, { code: 0 });
    const levels = levelsOf(report);
    assert.deepEqual(levels, {
      ...Object.fromEntries(Object.keys(levels).map((name) => [name, "good"])),
      cover: "unknown",
    });
    assert.match(messageOf(report, "store-delete"), /may not delete backups/);
    assert.match(messageOf(report, "store-left-behind"), /left nothing behind/);
    assert.deepEqual(await bucket.listing(), listing);
    assert.ok(!listing.some((line) => line.includes("/probe/01")), "the probe was cleaned up");
    await cannotDelete(mirror);
  });

  it("the mirror's suffices without what may be left out; what stays is named", async () => {
    const less = ["CleanUpAfterTheProbe", "SeeHowTheBucketIsSetUp"];
    const lesser = await bearer(documentedPolicy("mirror", less));
    const run = await runCli(["run", "--once", "--from", "demo", ...to], { env: lesser.env });
    assert.equal(run.code, 0, run.stderr);
    const report = await doctor(lesser, { code: 0 });
    assert.equal(levelsOf(report)["store-versioning"], "unknown");
    assert.equal(levelsOf(report)["store-object-lock"], "unknown");
    assert.equal(levelsOf(report)["store-clock"], "good");
    const left = (await bucket.listing()).flatMap(
      (line) => /\/(probe\/[0-9A-Z]{26}\/)/.exec(line)?.[1] ?? [],
    );
    assert.ok(left.length > 0);
    for (const key of left) assert.ok(messageOf(report, "store-left-behind").includes(key), key);
    // The one that may clean up does so for its own.
    assert.match(
      messageOf(await doctor(mirror, { code: 0 }), "store-left-behind"),
      /none from this/,
    );
  });

  it("the restorer's suffices to restore, and doctor says that it cannot mirror", async () => {
    const restorer = await bearer(documentedPolicy("restore"));
    await restoreAndStatus(restorer);
    await cannotDelete(restorer);
    const report = await doctor(restorer, { code: 3 });
    assert.deepEqual(
      report.checks.filter(({ ok }) => !ok).map(({ name }) => name),
      ["store-put"],
    );
    assert.match(messageOf(report, "store-put"), /s3:PutObject/);
  });

  it("doctor warns of credentials that may delete, and hurts nothing while it finds out", async () => {
    const listing = await bucket.listing();
    const root = { env: minio.env(), secrets: [minio.secretAccessKey] };
    const report = await doctor(root, { code: 0 });
    assert.equal(levelsOf(report)["store-delete"], "warning");
    assert.match(
      messageOf(report, "store-delete"),
      /permanently delete backups: take s3:DeleteObject/,
    );
    assert.deepEqual(await bucket.listing(), listing);

    const hider = await bearer(
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: ["s3:*Object", "s3:ListBucket", "s3:GetBucketVersioning"],
            Resource: [`arn:aws:s3:::${bucketName}`, `arn:aws:s3:::${bucketName}/*`],
          },
          {
            Effect: "Deny",
            Action: "s3:DeleteObjectVersion",
            Resource: `arn:aws:s3:::${bucketName}/*`,
          },
        ],
      }),
    );
    const found = messageOf(await doctor(hider, { code: 0 }), "store-delete");
    assert.match(found, /may (hide backups, but|permanently delete backups)/);
    assert.deepEqual(await bucket.listing(), listing);
  });

  it("doctor ends at Ctrl-C, in one line, and leaves nothing", async (t) => {
    const listing = await bucket.listing();
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    t.after(() => silent.close());
    await once(silent, "listening");
    const address = silent.address();
    assert.ok(address !== null && typeof address === "object");
    const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
    const child = spawn(
      process.execPath,
      [
        cli,
        "doctor",
        "--json",
        "--to",
        `s3://${bucketName}/lightning?endpoint=http://127.0.0.1:${address.port}`,
        "--node",
        "alice",
      ],
      { env: { PATH: process.env["PATH"], ...mirror.env }, stdio: ["ignore", "pipe", "pipe"] },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += String(chunk);
    });
    await once(silent, "connection");
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^scb-mirror: doctor was stopped[^\n]*\n$/);
    assert.deepEqual(await bucket.listing(), listing);
  });
});
