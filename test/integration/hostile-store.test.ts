import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pageAnswer, redirectAnswer } from "../peers/hostile-answers.ts";
import { HostileS3 } from "../peers/hostile-s3.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type CliResult, type RunningCli, runCli, startRun } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";

/** A busy machine takes long to start programs. */
const eventually = { timeoutMs: 60_000 };
const env = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1" };

describe("a store in whose place others answer", () => {
  let backup: CountedBackup;
  let server: HostileS3;
  let run: RunningCli | undefined;
  before(async () => {
    backup = await CountedBackup.make();
  });
  beforeEach(async () => {
    server = await HostileS3.start();
  });
  afterEach(async () => {
    await run?.[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  after(async () => {
    await backup?.[Symbol.asyncDispose]();
  });

  const to = (): string => `s3://bucket/pre?endpoint=${server.endpoint}`;

  async function mirror(): Promise<RunningCli> {
    const from = ["--from", `file:${backup.path}`, "--node", "alice", "--to", to()];
    run = startRun([...from, "--request-timeout", "500ms"], { env });
    await run.event("swapped", eventually);
    return run;
  }

  function held(): Buffer {
    const pointer = JSON.parse(String(server.held("pre/alice/latest.json")));
    return server.held(`pre/alice/${pointer.version.key}`) ?? Buffer.alloc(0);
  }

  async function untilSaved(bytes: Buffer): Promise<void> {
    await waitFor("the last state", async () => (bytes.equals(held()) ? true : undefined), {
      ...eventually,
      everyMs: 20,
    });
  }

  for (const [what, key] of [
    ["version", /\/versions\//],
    ["pointer", /latest\.json/],
  ] as const) {
    it(`a login page with 200 and an ETag to a put of the ${what} is never "saved"`, async () => {
      const running = await mirror();
      const heard = running.events.length;
      const login = pageAnswer(200, { headers: { etag: '"login"' } });
      server.script(({ method, url }) => method === "PUT" && key.test(url), login, 3);
      const bytes = await backup.rewrite();
      const next = await running.event(({ event }) => event === "swapped" || event === "retrying", {
        after: heard,
        ...eventually,
      });
      if (next.event === "swapped") assert.ok(bytes.equals(held()), "said to be saved, and is not");
      await untilSaved(bytes);
      await running.event("swapped", { after: heard, ...eventually });
      assert.equal(await running.end("SIGTERM"), 0, running.stderr);
    });
  }

  for (const [what, answer] of [
    ["redirects to a login", redirectAnswer(302, "https://login.example/?token=hushhush")],
    ["redirects to https, as nginx does", redirectAnswer(301, "https://127.0.0.1/")],
    ["a proxy's own 403", pageAnswer(403)],
    ["a proxy's own 404", pageAnswer(404)],
    [
      "a login page",
      pageAnswer(200, {
        headers: { etag: '"login"', "last-modified": "Sun, 29 Nov 2026 00:00:00 GMT" },
      }),
    ],
  ] as const) {
    it(`${what} in mid-run: waits, and saves when it is over`, async () => {
      const running = await mirror();
      const heard = running.events.length;
      server.answer = answer;
      const bytes = await backup.rewrite();
      const trouble = await running.event("retrying", { after: heard, ...eventually });
      assert.doesNotMatch(JSON.stringify(trouble), /hushhush/);
      await delay(1_000);
      server.answer = null;
      await untilSaved(bytes);
      assert.equal(await running.end("SIGTERM"), 0, running.stderr);
    });
  }

  it("no command takes a login page for an empty store", async () => {
    server.answer = pageAnswer(200, { headers: { etag: '"login"' } });
    const args = ["--to", to(), "--node", "alice"];
    const results: CliResult[] = [];
    for (const command of ["status", "list", "restore", "verify"]) {
      results.push(await runCli([command, ...args], { env }));
    }
    for (const { code, stdout, stderr } of results) {
      assert.notEqual(code, 0, stdout);
      assert.doesNotMatch(stdout + stderr, /no backup|scb-mirror run/);
      assert.match(stderr, /not an S3 service/);
    }
  });
});
