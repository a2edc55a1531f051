import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { answering, type HttpReceiver, startHttpReceiver } from "../alerts/http-receiver.ts";
import { waitFor } from "../peers/wait-for.ts";
import { cliPath, runCli, startRun } from "../support/cli.ts";

const secret = "verysecretpath";
let folder: string;
let receiver: HttpReceiver;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "scb-alerts-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A receiver, and a run on a folder of its own that tells it everything quickly. */
async function withRun(
  name: string,
  use: (args: readonly string[], env: Record<string, string>, store: string) => Promise<void>,
): Promise<void> {
  receiver = await startHttpReceiver();
  const store = join(folder, name);
  const args = [
    ...["--from", "demo", "--demo-interval", "1h", "--to", pathToFileURL(store).href],
    ...["--node", "alice", "--look-interval", "1s", "--log-level", "info"],
  ];
  const env = {
    SCB_MIRROR_NOTIFY: `${receiver.url}/${secret}`,
    SCB_MIRROR_HEARTBEAT: `${receiver.url}/ping/${secret}`,
    SCB_MIRROR_HEARTBEAT_INTERVAL: "1s",
    SCB_MIRROR_NOTIFY_AFTER: "2s",
  };
  try {
    await use(args, env, store);
  } finally {
    await receiver.close();
  }
}

function received(test: (path: string, body: string) => boolean, after_ = 0) {
  return waitFor(
    "a request of the run",
    () => receiver.received.slice(after_).find(({ path, body }) => test(path, body)),
    { timeoutMs: 20_000, details: () => JSON.stringify(receiver.received, null, 1) },
  );
}

describe("a run that tells people and services", () => {
  it("pings, tells of a loss that it heals at once, and of its end", { timeout: 60_000 }, () =>
    withRun("lost", async (args, env, store) => {
      await using run = startRun(args, { env });
      await run.event("verdict");
      const ping = await received((path) => path === `/ping/${secret}`);
      assert.equal(ping.method, "GET");
      const versions = join(store, "alice", "versions");
      for (const file of await readdir(versions)) await rm(join(versions, file));
      const alert = await received((path) => path === `/${secret}`);
      const { kind, title, findings, text } = JSON.parse(alert.body);
      assert.equal(kind, "alert");
      assert.match(title, /alice.*version-damaged/);
      assert.deepEqual(findings[0].code, "version-damaged");
      assert.match(text, /scb-mirror status --to file:\/\/\S+ --node alice/);
      const failure = await received((path) => path === `/ping/${secret}/fail`);
      assert.match(failure.body, /version-damaged/);
      const end = await received((path, body) => path === `/${secret}` && /"over"/.test(body));
      assert.match(JSON.parse(end.body).title, /alice is safe again/);
      await received((path) => path === `/ping/${secret}`, receiver.received.indexOf(failure));
      assert.equal(await run.end(), 0);
      assert.doesNotMatch(run.stderr + JSON.stringify(run.events), new RegExp(secret));
      const alerts = receiver.received.filter(({ path }) => path === `/${secret}`);
      assert.equal(alerts.length, 2, "a stop is no news");
    }),
  );

  it("tells what ends it, before it ends", { timeout: 60_000 }, () =>
    withRun("ended", async (args, env, store) => {
      {
        await using run = startRun(args, { env });
        await run.event("swapped");
        await run.end();
      }
      await rm(join(store, "alice", "latest.json"));
      const before_ = receiver.received.length;
      await using run = startRun(args, { env });
      assert.equal(await run.exit(), 4);
      const told = receiver.received.slice(before_).map(({ path, body }) => `${path} ${body}`);
      assert.equal(told.length, 2, told.join("\n"));
      assert.ok(told.every((it) => /pointer-lost/.test(it) && /scb-mirror repair/.test(it)));
    }),
  );

  it("with a receiver that hangs stops no later than it may", { timeout: 60_000 }, () =>
    withRun("hangs", async (args, env, store) => {
      receiver.answer = (response, { path }) => {
        if (path.startsWith("/ping/") && !path.endsWith("/fail")) response.end();
      };
      await using run = startRun(args, { env });
      await run.event("verdict");
      const versions = join(store, "alice", "versions");
      for (const file of await readdir(versions)) await rm(join(versions, file));
      await received((path) => path === `/${secret}`);
      const swaps = (): number => run.events.filter(({ event }) => event === "swapped").length;
      await waitFor("it to be saved anew", () => (swaps() > 1 ? true : undefined), {
        timeoutMs: 20_000,
      });
      const begunMs = performance.now();
      assert.equal(await run.end(), 0);
      assert.ok(performance.now() - begunMs < 14_000);
      assert.match(run.stderr, /still unsent/);
    }),
  );

  it("tells with a full disk under its log, too", { timeout: 60_000 }, () =>
    withRun("full", async (args, env, store) => {
      const full = await open("/dev/full", "w");
      const child = spawn(process.execPath, [cliPath, "run", ...args], {
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "ignore", full.fd],
      });
      try {
        await received((path) => path === `/ping/${secret}`);
        const versions = join(store, "alice", "versions");
        for (const file of await readdir(versions)) await rm(join(versions, file));
        await received((path) => path === `/${secret}`);
      } finally {
        child.kill();
        await once(child, "exit");
        await full.close();
      }
      assert.equal(child.exitCode, 0);
    }),
  );
});

describe("a mirror that dies", () => {
  const statusOf = async (store: string) => {
    const to = pathToFileURL(store).href;
    const { json } = await runCli(["status", "--to", to, "--max-silence", "2s", "--json"]);
    const { verdict, findings, lastAttestation } = json() as {
      verdict: string;
      findings: { code: string }[];
      lastAttestation: { state: string };
    };
    return { verdict, codes: findings.map(({ code }) => code), state: lastAttestation.state };
  };

  for (const [signal, state] of [
    ["SIGKILL", "running"],
    ["SIGTERM", "stopped"],
  ] as const) {
    it(`by ${signal} is known to whoever reads the store alone`, { timeout: 60_000 }, () =>
      withRun(signal, async (args, _, store) => {
        await using run = startRun([...args, "--attest-interval", "1s"]);
        await run.event("verdict");
        const alive = { verdict: "safe", codes: [], state: "running" };
        await waitFor(
          "the mirror to say that it lives",
          async () => {
            assert.deepEqual(await statusOf(store), alive);
            return true;
          },
          { timeoutMs: 20_000, everyMs: 500 },
        );
        await run.end(signal);
        const silent = { verdict: "unknown", codes: ["mirror-silent"], state };
        await waitFor(
          "its silence to be noticed",
          async () => {
            assert.deepEqual(await statusOf(store), silent);
            return true;
          },
          { timeoutMs: 20_000, everyMs: 500 },
        );
      }),
    );
  }
});

describe("notify --test", () => {
  it("says what each answered, and names no secret", { timeout: 60_000 }, async () => {
    receiver = await startHttpReceiver();
    try {
      receiver.answer = (response, one) =>
        one.path.includes("wrong") ? answering(403, one.path)(response, one) : response.end("OK");
      const config = join(folder, "notify.yaml");
      const lines = [
        "notify:",
        `  - ${receiver.url}/${secret}`,
        `  - ${receiver.url}/wrong/${secret}`,
        `heartbeat: ${receiver.url}/ping/${secret}`,
      ];
      await writeFile(config, lines.join("\n"));
      const args = ["notify", "--test", "--config", config];
      const [text, json] = await Promise.all([runCli(args), runCli([...args, "--json"])]);
      assert.equal(text.code, 1);
      assert.match(text.stdout, /^ok: webhook at 127\.0\.0\.1:\d+: OK$/m);
      assert.match(text.stdout, /^FAILED: webhook at \S+: it refuses the token .*\(status 403/m);
      assert.match(text.stdout, /^ok: heartbeat at \S+: OK$/m);
      assert.equal(json.code, 1);
      const { ok, sent } = json.json() as { ok: boolean; sent: { ok: boolean }[] };
      assert.equal(ok, false);
      assert.deepEqual(
        sent.map((it) => it.ok),
        [true, false, true],
      );
      for (const { stdout, stderr } of [text, json]) {
        assert.doesNotMatch(stdout + stderr, new RegExp(secret));
      }
      const paths = receiver.received.map(({ method, path }) => `${method} ${path}`);
      assert.equal(paths.filter((it) => it === `POST /ping/${secret}/log`).length, 2);
      const one = ["notify", "--test", "--notify", `${receiver.url}/x`];
      assert.equal((await runCli(one)).code, 0);
    } finally {
      await receiver.close();
    }
  });

  it("needs --test, and somebody to tell", async () => {
    for (const args of [
      ["notify"],
      ["notify", "--test"],
      ["notify", "--test", "--notify", secret],
    ]) {
      const { code, stdout, stderr } = await runCli(args);
      assert.equal(code, 2, args.join(" "));
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, new RegExp(secret));
    }
  });
});
