import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { freePort } from "../peers/free-port.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type RunningCli, runCli, startRun } from "../support/cli.ts";
import { checkServedStatus } from "../support/json-documents.ts";

const safe = (event: { event: string; verdict?: unknown }) =>
  event.event === "verdict" && event.verdict === "safe";

describe("run --listen", () => {
  let folder: string;
  let to: readonly string[];
  let port: number;
  let run: RunningCli;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-listen-"));
    to = ["--to", pathToFileURL(join(folder, "store")).href];
    port = await freePort();
    const demo = ["--from", "demo", "--demo-interval", "1h"];
    run = startRun([...demo, ...to, "--listen", String(port)]);
    await run.event(safe);
  });
  after(async () => {
    await run?.end();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);

  it("says that it works, and that it is ready", async () => {
    assert.equal((await ask("/healthz")).status, 200);
    const ready = await ask("/readyz");
    assert.equal(ready.status, 200);
    assert.equal(await ready.text(), "safe\n");
  });

  it("gives the same status as status --json", async () => {
    const text = await (await ask("/status.json")).text();
    checkServedStatus("run", text);
    const told = JSON.parse(text);
    const status = JSON.parse((await runCli(["status", "--json", ...to])).stdout);
    for (const field of ["node", "healthy", "problems", "verdict", "findings"]) {
      assert.deepEqual(told[field], status[field], field);
    }
    for (const field of ["key", "sequence", "sha256", "sizeBytes", "writer", "channels"]) {
      assert.deepEqual(told.latest[field], status.latest[field], field);
    }
    const fields = (status: { readonly stores: readonly object[] }) =>
      Object.keys(status.stores[0] ?? {});
    assert.deepEqual(fields(told).slice(0, 5), fields(status));
  });

  it("has metrics of the node and the store", async () => {
    const text = await waitFor(
      "the node's channels",
      async () => {
        const answer = await (await ask("/metrics")).text();
        return answer.includes('state="open"') ? answer : undefined;
      },
      { timeoutMs: 10_000 },
    );
    assert.match(text, /^scb_mirror_safe\{[^}]*\} 1$/m);
    assert.match(text, /^scb_mirror_channels\{[^}]*state="covered"\} 3$/m);
    assert.match(text, /^scb_mirror_channels\{[^}]*state="missing"\} 0$/m);
    assert.match(
      text,
      /^scb_mirror_store_requests_total\{[^}]*operation="put",outcome="ok"\} \d+$/m,
    );
  });

  it("ends a second run on the port at once, before it touches its store", async () => {
    const second = pathToFileURL(join(folder, "second")).href;
    const { code, stderr } = await runCli(
      ["run", "--from", "demo", "--to", second, "--listen", `127.0.0.1:${port}`],
      { timeoutMs: 20_000 },
    );
    assert.equal(code, 1);
    assert.match(stderr, /can't listen on 127\.0\.0\.1:\d+: another program uses this port/);
    assert.doesNotMatch(stderr, /defect/);
    assert.equal((await runCli(["list", "--to", second])).code, 1);
  });

  it("has a page that needs no script", async () => {
    const response = await ask("/");
    const text = await response.text();
    assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(text, /<h1>Safe<\/h1>/);
    assert.doesNotMatch(text, /<script/);
  });

  it("is asked by healthcheck, with the settings of the run", async () => {
    const env = { SCB_MIRROR_LISTEN: `0.0.0.0:${port}` };
    const works = await runCli(["healthcheck"], { env });
    assert.deepEqual([works.code, works.stdout], [0, "ok\n"]);
    const ready = await runCli(["healthcheck", "--ready", "--json"], { env });
    assert.deepEqual([ready.code, ready.json()], [0, { ok: true, status: 200, text: "safe\n" }]);
  });

  it("isn't needed by run --once, whoever listens there", async () => {
    const once = ["run", "--once", "--from", "demo", ...to, "--listen", String(port)];
    assert.equal((await runCli(once)).code, 0);
  });

  for (const text of ["nowhere", "127.0.0.1:0", "127.0.0.1:70000", "::1:9847", ""]) {
    it(`takes ${JSON.stringify(text)} for wrong usage`, async () => {
      const { code, stderr } = await runCli(["run", "--from", "demo", ...to, "--listen", text]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--listen/);
    });
  }
});

describe("healthcheck", () => {
  it("is 1 if nobody listens there, and says so", async () => {
    const { code, stderr } = await runCli(["healthcheck", "--listen", String(await freePort())]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /scb-mirror run doesn't answer at .*ECONNREFUSED.*check that it is up, with --listen/,
    );
  });

  it("is 1 within seconds if whoever listens there never answers", async () => {
    const mute = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(mute, "listening");
    try {
      const { port } = mute.address() as AddressInfo;
      const { code, stderr } = await runCli(["healthcheck", "--listen", String(port)], {
        timeoutMs: 10_000,
      });
      assert.equal(code, 1);
      assert.match(stderr, /no answer within 3 s/);
    } finally {
      mute.close();
    }
  });

  it("is 1 with --ready, and says why, while the store can't be read", async () => {
    const port = String(await freePort());
    const away = `s3://bucket?region=us-east-1&endpoint=http://127.0.0.1:${await freePort()}`;
    const env = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
    const run = startRun(["--from", "demo", "--to", away, "--listen", port], { env });
    try {
      await run.event("retrying");
      const ready = await runCli(["healthcheck", "--ready", "--listen", port]);
      assert.equal(ready.code, 1);
      assert.match(ready.stdout, /^(?:unsafe|unknown)\n/);
      assert.equal((await runCli(["healthcheck", "--listen", port])).code, 0);
    } finally {
      await run.end();
    }
  });

  it("is wrong usage without an address", async () => {
    const { code, stderr } = await runCli(["healthcheck"]);
    assert.equal(code, 2);
    assert.match(stderr, /--listen/);
  });
});
