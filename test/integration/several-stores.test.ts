import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { packedBytes } from "../support/mirror-fixture.ts";

const statusSchema = z.object({
  verdict: z.string(),
  findings: z.array(z.object({ code: z.string(), store: z.string(), message: z.string() })),
  stores: z.array(z.object({ store: z.string(), healthy: z.boolean() })),
});
const doctorSchema = z.object({
  checks: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      message: z.string(),
      store: z.string().optional(),
    }),
  ),
});

peerSuite("a bucket and a folder", ["minio"], () => {
  let minio: MinioServer;
  let silent: Server;
  let folder: string;
  let bucket: string;
  let disk: string;
  let env: Readonly<Record<string, string | undefined>>;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket("backups");
    folder = await mkdtemp(join(tmpdir(), "scb-bucket-and-folder-"));
    // Takes connections, and never says a word.
    silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    bucket = `s3://backups/lightning?endpoint=${minio.endpoint}`;
    disk = pathToFileURL(join(folder, "disk")).href;
    const aws = join(folder, "aws");
    await mkdir(join(folder, "disk"));
    const { accessKeyId, secretAccessKey } = minio;
    await writeFile(
      aws,
      `[profile own]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    env = {
      ...minio.env(),
      AWS_CONFIG_FILE: aws,
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"),
    };
    const file = join(folder, "channel.backup");
    await writeFile(file, packedBytes());
    for (const to of [bucket, disk]) {
      const args = ["run", "--once", "--from", `file:${file}`, "--node", "alice", "--to", to];
      assert.equal((await runCli(args, { env })).code, 0);
    }
  });
  after(async () => {
    silent?.close();
    await minio?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const status = (stores: readonly string[], ...args: readonly string[]): Promise<CliResult> => {
    const to = stores.flatMap((url) => ["--to", url]);
    return runCli(["status", "--json", ...to, ...args], { env });
  };
  const silentStore = (): string => {
    const { port } = silent.address() as AddressInfo;
    return `s3://silent?endpoint=http://127.0.0.1:${port}`;
  };

  it("are healthy together", async () => {
    const { code, json, stdout } = await status([bucket, disk]);
    assert.equal(code, 0, stdout);
    const { stores } = statusSchema.parse(json());
    assert.deepEqual(
      stores.map(({ store }) => store),
      [bucket, disk],
    );
  });

  it("are told of in time beside a store that hangs", { timeout: 60_000 }, async () => {
    const startedMs = performance.now();
    const args = ["--timeout", "8s", "--request-timeout", "50s", "--require", "2"];
    const { code, json, stdout, stderr } = await status([silentStore(), bucket, disk], ...args);
    assert.equal(code, 0, stdout + stderr);
    assert.ok(performance.now() - startedMs < 20_000);
    const { verdict, findings } = statusSchema.parse(json());
    assert.equal(verdict, "safe");
    assert.deepEqual(
      findings.map(({ code: found, store }) => [found, store]),
      [["store-unread", silentStore()]],
    );
  });

  it("are told of beside a store without credentials, which is its problem alone", async () => {
    const bare = `${bucket}&profile=nobody`;
    const elsewhere = bare.replace("backups/lightning", "backups/elsewhere");
    const { code, json } = await status([disk, elsewhere], "--require", "1");
    assert.equal(code, 0);
    const { findings } = statusSchema.parse(json());
    assert.deepEqual(
      findings.map(({ code: found }) => found),
      ["store-denied"],
    );
    assert.match(findings[0]?.message ?? "", /nobody/);
  });

  it("take their own profile before the environment's keys", async () => {
    const wrong = { ...env, AWS_ACCESS_KEY_ID: "WRONG", AWS_SECRET_ACCESS_KEY: "hushhush" };
    const list = (to: string) => runCli(["list", "--to", to], { env: wrong });
    assert.notEqual((await list(bucket)).code, 0);
    assert.equal((await list(`${bucket}&profile=own`)).code, 0);
  });

  it("are two copies, and a bucket by two host names is one", { timeout: 120_000 }, async () => {
    const again = bucket.replace("127.0.0.1", "localhost");
    assert.notEqual(again, bucket);
    for (const [to, isApart] of [
      [[bucket, disk], true],
      [[bucket, again], false],
    ] as const) {
      const args = ["doctor", "--json", "--node", "alice", ...to.flatMap((url) => ["--to", url])];
      const { checks } = doctorSchema.parse((await runCli(args, { env })).json());
      const apart = checks.find(({ name }) => name === "stores-apart");
      assert.equal(apart?.ok, isApart, apart?.message);
    }
    // The pointers alone say it too, as a warning: a fresh copy looks the same.
    const { findings } = statusSchema.parse((await status([bucket, again])).json());
    assert.deepEqual(
      findings.map(({ code }) => code),
      ["same-store", "same-store"],
    );
  });

  it("give a restore the one that is whole, with the other unreachable", async () => {
    const out = join(folder, "out");
    const stores = [silentStore(), bucket].flatMap((url) => ["--to", url]);
    const done = await runCli(
      ["restore", "--json", "--node", "alice", "--request-timeout", "500ms", "-o", out, ...stores],
      { env },
    );
    assert.equal(done.code, 0, done.stderr);
    const fact = z.object({ store: z.string(), newest: z.boolean() }).parse(done.json());
    assert.deepEqual(fact, { store: bucket, newest: false });
  });
});
