import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { freePort } from "../peers/free-port.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli, startRun } from "../support/cli.ts";
import { assertOneLine } from "../support/one-line.ts";

const bucketName = "bad-input";
const to = ["--to", `s3://${bucketName}`];
const demo = ["--from", "demo", "--node", "demo"];
const hourAhead = pathToFileURL(join(import.meta.dirname, "../support/hour-ahead.ts")).href;

interface BadBucket {
  readonly name: string;
  readonly args: () => Promise<readonly string[]> | readonly string[];
  readonly env?: () => NodeJS.ProcessEnv;
  readonly code: number;
  /** The problem that the one line must name, and the remedy that it must give. */
  readonly says: readonly RegExp[];
}

peerSuite("what is wrong with the bucket", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-bad-"));
    minio = await startMinio();
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    await using running = startRun([...demo, "--demo-interval", "20ms", ...to], {
      env: minio.env(),
    });
    await running.event(({ event, sequence }) => event === "swapped" && sequence === 2);
    assert.equal(await running.end(), 0, running.stderr);
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const cases: readonly BadBucket[] = [
    {
      name: "no such bucket",
      args: () => ["--to", "s3://no-such-bucket"],
      code: 1,
      says: [/s3:\/\/no-such-bucket/, /no such bucket/, /create it/],
    },
    {
      name: "an access key that the store does not know",
      args: () => to,
      env: () => ({ ...minio.env(), AWS_ACCESS_KEY_ID: "nobody" }),
      code: 1,
      says: [/s3:\/\/bad-input/, /does not know this access key/, /check AWS_ACCESS_KEY_ID/],
    },
    {
      name: "a secret key of another access key",
      args: () => to,
      env: () => ({ ...minio.env(), AWS_SECRET_ACCESS_KEY: "not-the-one" }),
      code: 1,
      says: [/secret key does not belong/, /check AWS_SECRET_ACCESS_KEY/],
    },
    {
      name: "no credentials",
      args: () => to,
      env: () => ({
        ...minio.env(),
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
      }),
      code: 1,
      says: [/no credentials found/, /set AWS_ACCESS_KEY_ID/],
    },
    {
      name: "an endpoint where nothing listens",
      args: async () => [
        "--to",
        `s3://${bucketName}?endpoint=http://127.0.0.1:${await freePort()}`,
      ],
      code: 1,
      says: [/s3:\/\/bad-input/, /nothing listens there/, /the endpoint right/],
    },
    {
      name: "an endpoint that speaks no TLS",
      args: () => [
        "--to",
        `s3://${bucketName}?endpoint=${minio.endpoint.replace("http:", "https:")}`,
      ],
      code: 1,
      says: [/nothing speaks TLS there/, /use http:\/\//],
    },
  ];
  for (const { name, args, env, code, says } of cases) {
    it(`every command refuses ${name}`, async () => {
      const held = await bucket.listing();
      const options = { env: env?.() ?? minio.env() };
      const given = await args();
      const output = join(folder, "never-written.backup");
      const commands = [
        ["status", "--node", "demo"],
        ["status", "--json"],
        ["list", "--json", "--node", "demo"],
        ["restore", "--node", "demo", "-o", output],
        ["run", "--json", "--once", "--timeout", "6s", ...demo],
      ];
      const results = await Promise.all(
        commands.map((command) => runCli([...command, ...given], options)),
      );
      for (const result of results) {
        assertOneLine(result, code, says);
        for (const line of result.stdout.split("\n").filter(Boolean)) {
          assert.ok(result === results.at(-1), line);
          const { event, verdict } = JSON.parse(line);
          assert.equal(event, verdict === undefined ? "retrying" : "verdict");
          assert.notEqual(verdict, "safe");
        }
      }
      assert.equal(existsSync(output), false);
      assert.deepEqual(await bucket.listing(), held);
    });
  }

  it("a clock that is off is told; what only reads goes no further, a mirror saves all the same", async () => {
    const env = { ...minio.env(), NODE_OPTIONS: `--import=${hourAhead}` };
    const says = [/clock is 3[56]\d\d s ahead of the store's/, /NTP/];
    for (const command of ["status", "list"]) {
      assertOneLine(await runCli([command, "--node", "demo", ...to], { env }), 1, says);
    }
    const run = await runCli(["run", "--json", "--once", ...demo, ...to], { env });
    assert.equal(run.code, 0, run.stderr);
    for (const said of says) assert.match(run.stderr, said);
    const events = run.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).event);
    assert.deepEqual([events[0], events.at(-1)], ["retrying", "stopped"]);
  });

  it("waits for a store that is not there, visibly, and stops when it is told to", async () => {
    const away = ["--to", `s3://${bucketName}?endpoint=http://127.0.0.1:${await freePort()}`];
    await using running = startRun([...demo, ...away], { env: minio.env() });
    const { message } = await running.event("retrying");
    assert.match(String(message), /nothing listens there/);
    await running.event(({ attempt }) => attempt === 3);
    assert.equal(await running.end("SIGTERM"), 0, running.stderr);
  });

  it("tells no secret, even in a debug log", async () => {
    const secret = "a-secret-that-nobody-may-see";
    const env = { ...minio.env(), AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: secret };
    for (const command of [
      ["status", "--node", "demo"],
      ["run", "--once", ...demo],
    ]) {
      const result = await runCli([...command, "--log-level", "debug", ...to], { env });
      assert.equal(result.code, 1);
      assert.ok(!`${result.stdout}${result.stderr}`.includes(secret));
    }
  });

  const pointerKey = "demo/latest.json";
  const damages: readonly {
    readonly name: string;
    readonly damage: (pointer: string, versionKey: string) => Promise<void>;
    readonly problem: string;
    readonly says: RegExp;
    /** Exit codes. */
    readonly run: number | null;
    readonly restore: number;
  }[] = [
    {
      name: "a pointer that is no JSON",
      damage: (pointer) => bucket.put(pointerKey, pointer.slice(0, -20)),
      problem: "pointer-damaged",
      says: /pointer s3:\/\/bad-input\/demo\/latest\.json is not JSON .*scb-mirror repair/,
      run: 1,
      restore: 1,
    },
    {
      name: "a pointer of an unknown schema",
      damage: (pointer) => bucket.put(pointerKey, pointer.replace('"schema": 1', '"schema": 99')),
      problem: "pointer-damaged",
      says: /has schema 99, but this program only knows schemas up to 2.*use the scb-mirror release/,
      run: 1,
      restore: 1,
    },
    {
      name: "a pointer that is something else",
      damage: () => bucket.put(pointerKey, '{"hello":"world"}'),
      problem: "pointer-damaged",
      says: /latest\.json isn.t readable .*scb-mirror repair/,
      run: 1,
      restore: 1,
    },
    {
      name: "a pointer that was deleted",
      damage: () => bucket.delete(pointerKey),
      problem: "pointer-lost",
      says: /latest\.json is gone.*put it back/,
      run: 4,
      restore: 4,
    },
    {
      name: "a version whose bytes are others",
      damage: async (_pointer, versionKey) => {
        const { bytes, metadata } = await bucket.get(versionKey);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        await bucket.put(versionKey, bytes, metadata);
      },
      problem: "version-damaged",
      says: /versions\/\S+ .*holds \d+ bytes that (?:aren't|are not) the ones that were saved/,
      run: null,
      restore: 1,
    },
    {
      name: "a version that is cut off",
      damage: async (_pointer, versionKey) => {
        const { bytes, metadata } = await bucket.get(versionKey);
        await bucket.put(versionKey, bytes.subarray(0, 100), metadata);
      },
      problem: "version-damaged",
      says: /versions\/\S+ .*holds 100 bytes that (?:aren't|are not) the ones that were saved/,
      run: null,
      restore: 1,
    },
    {
      name: "a version that was deleted",
      damage: (_pointer, versionKey) => bucket.delete(versionKey),
      problem: "version-missing",
      says: /versions\/\S+.* (?:is missing|is not there)/,
      run: null,
      restore: 1,
    },
  ];
  for (const { name, damage, problem, says, run, restore } of damages) {
    it(`sees ${name}, and does nothing about it`, async () => {
      const { pointer } = await bucket.current("demo");
      const versionKey = `demo/${pointer.version.key}`;
      const options = { env: minio.env() };
      const [good, version] = [await bucket.get(pointerKey), await bucket.get(versionKey)];
      try {
        await damage(Buffer.from(good.bytes).toString("utf8"), versionKey);
        const held = await bucket.listing();
        const output = join(folder, "never-written.backup");

        const toFile = ["restore", "--node", "demo", "-o", output, ...to];
        const runs = run === null ? [] : [["run"], ["run", "--once"]];
        const [status, restored, piped, ...ran] = await Promise.all([
          runCli(["status", "--json", "--node", "demo", ...to], options),
          runCli(toFile, options),
          runCli(["restore", "--node", "demo", "-o", "-", ...to], options),
          ...runs.map((command) => runCli([...command, ...demo, ...to], options)),
        ]);
        assert.equal(status.code, 3, status.stderr);
        const { healthy, problems } = JSON.parse(status.stdout);
        assert.equal(healthy, false);
        assert.equal(problems.length, 1);
        assert.equal(problems[0].code, problem);
        assert.match(problems[0].message, says);

        for (const result of [restored, piped]) {
          assertOneLine(result, restore, [says]);
          assert.equal(result.stdoutBytes.length, 0);
        }
        assert.equal(existsSync(output), false);
        for (const result of ran) {
          assertOneLine(result, run ?? 0, [says]);
          assert.equal(result.stdout, "");
        }
        assert.deepEqual(await bucket.listing(), held);
      } finally {
        await bucket.put(versionKey, version.bytes, version.metadata);
        await bucket.put(pointerKey, good.bytes);
      }
      assert.equal((await runCli(["status", "--node", "demo", ...to], options)).code, 0);
    });
  }

  it("stops when the pointer is deleted under it, and does not make it again", async () => {
    const args = ["--from", "demo", "--node", "deleted", "--demo-interval", "50ms", ...to];
    await using running = startRun(args, { env: minio.env() });
    await running.event(({ event, sequence }) => event === "swapped" && sequence === 3);
    await bucket.delete("deleted/latest.json");
    assert.equal(await running.exit(), 4);
    assert.match(
      running.stderr.trimEnd().split("\n").at(-1) ?? "",
      /^scb-mirror: .*latest\.json is gone/,
    );
    const held = await bucket.listing();
    assert.ok(held.every((line) => !line.startsWith("deleted/latest.json ")));
    const again = await runCli(["run", ...args], { env: minio.env() });
    assertOneLine(again, 4, [/latest\.json is gone/]);
    assert.deepEqual(await bucket.listing(), held);
  });

  it("restores an older version where the newest is damaged", async () => {
    const { pointer } = await bucket.current("demo");
    const versionKey = `demo/${pointer.version.key}`;
    const { bytes, metadata } = await bucket.get(versionKey);
    await bucket.delete(versionKey);
    const lines = await runCli(["list", "--json", "--node", "demo", ...to], { env: minio.env() });
    const [newest] = JSON.parse(lines.stdout).versions;
    const output = join(folder, "older.backup");
    const args = ["restore", newest.key, "--node", "demo", "-o", output, ...to];
    const restored = await runCli(args, { env: minio.env() });
    assert.equal(restored.code, 0, restored.stderr);
    const older = await bucket.get(`demo/${newest.key}`);
    assert.ok((await readFile(output)).equals(older.bytes));
    await bucket.put(versionKey, bytes, metadata);
  });
});
