import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { aezeedVectors } from "../keychain/vectors.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { type CliResult, runCli, startCli, startRun } from "../support/cli.ts";
import { credentialFor, readOnly } from "../support/credential.ts";
import { assertOneLine } from "../support/one-line.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { mountSmallDisk } from "../support/tmpfs.ts";

const bucketName = "bad-days";
const to = ["--to", `s3://${bucketName}`];

/** What can go wrong when a backup is needed. */
peerSuite("restore on a bad day", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let folder: string;
  let keyFile: string;
  /** Alice's newest sequence. */
  let newest: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-bad-day-"));
    keyFile = join(folder, "backup.key");
    await writeFile(keyFile, "ab".repeat(32), { mode: 0o600 });
    minio = await startMinio();
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    for (const node of ["alice", "bob"]) {
      const demo = ["--from", "demo", "--node", node, "--demo-interval", "20ms"];
      await using running = startRun([...demo, "--key-file", keyFile, ...to], { env: minio.env() });
      await running.event(({ event, sequence }) => event === "swapped" && sequence === 2);
      assert.equal(await running.end(), 0, running.stderr);
    }
    newest = (await bucket.current("alice")).pointer.sequence;
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const output = (): string => join(folder, "never-written.backup");
  const restore = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = minio.env(),
  ): Promise<CliResult> => runCli(["restore", ...args, "-o", output()], { env });
  /** One line, this code, no file, and nothing changed in the store. */
  const refuses = async (
    args: readonly string[],
    code: number,
    says: readonly RegExp[],
    env?: NodeJS.ProcessEnv,
  ): Promise<void> => {
    const held = await bucket.listing();
    const result = await restore(args, env);
    assertOneLine(result, code, says);
    assert.equal(result.stdout, "");
    assert.equal(existsSync(output()), false);
    assert.deepEqual(await bucket.listing(), held);
  };
  const alice = ["--node", "alice", ...to];

  it("a bucket with two nodes: names them", async () => {
    await refuses(to, 2, [/backups of 2 nodes/, /--node \(alice, bob\)/]);
  });

  it("a credential that lists and does not read", async () => {
    const listing = [{ actions: ["s3:ListBucket"], resources: [bucketName] }];
    await refuses(
      alice,
      1,
      [/cannot read alice\/latest\.json/, /s3:GetObject/],
      await credentialFor(minio, listing),
    );
  });

  it("a credential that reads and does not list restores the newest, where it is named", async () => {
    const reading = [{ actions: ["s3:GetObject"], resources: [`${bucketName}/*`] }];
    const env = await credentialFor(minio, reading);
    await refuses(to, 1, [/cannot list/, /name the node's folder with --node/], env);
    await refuses(["1", ...alice], 1, [/cannot list/, /s3:ListBucket/], env);
    const file = join(folder, "unlisted.backup");
    const result = await runCli(["restore", ...alice, "-o", file], { env });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stderr, "");
  });

  it("a credential that may write leaves a note, and status shows it", async () => {
    const env = minio.env();
    const file = join(folder, "noted.backup");
    assert.equal((await runCli(["restore", "1", ...alice, "-o", file], { env })).code, 0);
    const status = await runCli(["status", "--json", ...alice], { env });
    const { healthy, lastRestore } = JSON.parse(status.stdout);
    assert.equal(healthy, true);
    assert.deepEqual([lastRestore.sequence, lastRestore.to], [1, "file"]);
    assert.match(
      (await runCli(["status", ...alice], { env })).stdout,
      /restored +sequence 1 at 20/,
    );
  });

  it("the words of another seed, and a network that is not the node's", async () => {
    const file = join(folder, "words.txt");
    await writeFile(file, aezeedVectors[0]?.words ?? "", { mode: 0o600 });
    await refuses([...alice, "--key-file", file, "--network", "testnet"], 1, [
      /message authentication failed: this is the wrong key/,
    ]);
    // The demo node says that it is on regtest.
    await refuses([...alice, "--key-file", file], 1, [/a node on regtest: give --network regtest/]);
    // A backup key is the same on every network.
    const other = join(folder, "other.key");
    await writeFile(other, "cd".repeat(32), { mode: 0o600 });
    await refuses([...alice, "--key-file", other], 1, [/^(?!.*--network).*authentication failed/]);
  });

  it("a target that is there, before anything is asked of the store", async () => {
    const nowhere = ["--to", "s3://nowhere?endpoint=http://127.0.0.1:1"];
    const result = await runCli(["restore", ...nowhere, "-o", keyFile]);
    assertOneLine(result, 4, [/backup\.key already exists/, /--force/]);
  });

  it("a full disk", async (t) => {
    await using disk = await mountSmallDisk(4096);
    if (disk === null) return skipWithoutRoot(t);
    await writeFile(join(disk.path, "filler"), Buffer.alloc(4096));
    const file = join(disk.path, "channel.backup");
    const result = await runCli(["restore", ...alice, "-o", file], { env: minio.env() });
    assertOneLine(result, 1, [/disk is full/, /nothing was left there/]);
    assert.deepEqual(await readdir(disk.path), ["filler"]);
  });

  const damaged: readonly {
    readonly name: string;
    readonly harm: (pointer: string, versionKey: string) => Promise<void>;
    readonly code: number;
    readonly says: RegExp;
    /** How far the offered sequence is below the newest. */
    readonly offersBelow: 0 | 1;
  }[] = [
    {
      name: "a version cut short",
      harm: async (_, key) => {
        const { bytes, metadata } = await bucket.get(key);
        await bucket.put(key, bytes.subarray(0, 300), metadata);
      },
      code: 1,
      says: /holds 300 bytes that are not the ones that were saved/,
      offersBelow: 1,
    },
    {
      name: "a version that is gone",
      harm: (_, key) => bucket.delete(key),
      code: 1,
      says: /is not there/,
      offersBelow: 1,
    },
    {
      name: "a pointer of a newer schema",
      harm: (pointer) =>
        bucket.put("alice/latest.json", pointer.replace('"schema": 1', '"schema": 3')),
      code: 1,
      says: /has schema 3.*or a newer one/,
      offersBelow: 0,
    },
    {
      name: "a pointer that is gone",
      harm: () => bucket.delete("alice/latest.json"),
      code: 4,
      says: /latest\.json is gone/,
      offersBelow: 0,
    },
  ];
  for (const { name, harm, code, says, offersBelow } of damaged) {
    it(`${name}: offers the newest intact version, and takes none by itself`, async () => {
      const good = await bucket.get("alice/latest.json");
      const pointer = Buffer.from(good.bytes).toString("utf8");
      const key = `alice/${JSON.parse(pointer).version.key}`;
      const version = await bucket.get(key);
      try {
        await harm(pointer, key);
        const offers = newest - offersBelow;
        const line = `scb-mirror restore ${offers} --to s3://${bucketName} --node alice --output ${output()}`;
        await refuses([...alice, "--key-file", keyFile], code, [
          says,
          new RegExp(`newest intact version is sequence ${offers}, saved .* ago`),
          new RegExp(line.replaceAll(/[/.]/g, "\\$&")),
        ]);
        const file = join(folder, `offered-${code}-${offers}.backup`);
        const taken = ["restore", String(offers), ...alice, "--key-file", keyFile, "-o", file];
        const result = await runCli([...taken, "--force"], { env: minio.env() });
        assert.equal(result.code, 0, result.stderr);
      } finally {
        await bucket.put(key, version.bytes, version.metadata);
        await bucket.put("alice/latest.json", good.bytes);
      }
    });
  }

  it("a store that answers one time in three", async () => {
    await using moody = await startMoodyProxy(minio);
    const env = { ...minio.env(), AWS_ENDPOINT_URL_S3: moody.endpoint };
    const file = join(folder, "moody.backup");
    const result = await runCli(["restore", ...alice, "-o", file, "--json"], { env });
    assert.equal(result.code, 0, result.stderr);
    assert.ok(moody.refused() >= 4);
  });

  it("Ctrl-C while the store does not answer: an end at once, and no file", async () => {
    await using silent = await listen(createServer(() => undefined));
    const env = { ...minio.env(), AWS_ENDPOINT_URL_S3: silent.endpoint };
    const running = startCli(["restore", ...alice, "-o", output()], { env });
    await silent.connected;
    await delay(100);
    const startedAtMs = performance.now();
    running.kill("SIGINT");
    const result = await running.result;
    assertOneLine(result, 1, [/stopped before it was done/]);
    assert.ok(performance.now() - startedAtMs < 5_000);
    assert.equal(existsSync(output()), false);
  });

  it("the credential that can only read needs nothing more", async () => {
    const env = await credentialFor(minio, readOnly(bucketName));
    const held = await bucket.listing();
    const file = join(folder, "read-only.backup");
    const args = ["restore", "--at", "0.001s", ...alice, "-o", file, "--json"];
    const result = await runCli(args, { env });
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(result.json(), {
      ...(result.json() as object),
      sequence: newest,
      chain: true,
    });
    assert.equal(result.stderr, "");
    assert.deepEqual(await bucket.listing(), held);
  });
});

interface Listening extends AsyncDisposable {
  readonly endpoint: string;
  /** Resolves when somebody has connected. */
  readonly connected: Promise<void>;
}

async function listen(server: Server): Promise<Listening> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    resolve();
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connected: promise,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.unref();
    },
  };
}

/** A proxy before MinIO that refuses two of three requests. */
async function startMoodyProxy(
  minio: MinioServer,
): Promise<Listening & { readonly refused: () => number }> {
  let requests = 0;
  let refused = 0;
  const { hostname, port } = new URL(minio.endpoint);
  const server = createHttpServer((incoming, outgoing) => {
    requests += 1;
    if (requests % 3 !== 0) {
      refused += 1;
      incoming.resume();
      outgoing.writeHead(503).end();
      return;
    }
    const { method, url, headers } = incoming;
    // The host is part of what is signed.
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  return { ...(await listen(server)), refused: () => refused };
}
