import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, get, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { freePort } from "../peers/free-port.ts";
import { SmallS3 } from "../peers/small-s3.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type CliEvent, startRun } from "../support/cli.ts";
import { plantedSecrets, seedWords } from "../support/planted-secrets.ts";

const paths = ["/", "/healthz", "/readyz", "/status.json", "/metrics"] as const;
const safe = ({ event, verdict }: CliEvent): boolean => event === "verdict" && verdict === "safe";
const credentials = {
  AWS_ACCESS_KEY_ID: "AKIAPLANTED",
  AWS_SECRET_ACCESS_KEY: "planted/secret/access/key",
  AWS_REGION: "us-east-1",
};

/** A store that can be told to answer nobody any more. */
async function hangingStore(): Promise<AsyncDisposable & { url: string; hang(): void }> {
  const s3 = new SmallS3();
  let hangs = false;
  const server: Server = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(Buffer.from(chunk));
    if (!hangs) s3.answer({ method, url, headers, body: Buffer.concat(body) }, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `s3://bucket?endpoint=http://127.0.0.1:${port}`,
    hang: () => {
      hangs = true;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("a mirror that is watched", () => {
  it("answers at once while its store hangs, with the last evidence and its age", {
    timeout: 120_000,
  }, async () => {
    await using store = await hangingStore();
    const port = await freePort();
    await using run = startRun(
      [
        ...["--from", "demo", "--demo-interval", "1h", "--to", store.url, "--listen", String(port)],
        ...["--look-interval", "1s", "--request-timeout", "60s"],
      ],
      { env: credentials },
    );
    await run.event(safe);
    store.hang();
    const ask = (path: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    for (const path of paths) await (await ask(path)).text();
    await waitFor(
      "a verdict that isn't safe any more",
      async () => ((await ask("/readyz")).status === 503 ? true : undefined),
      { timeoutMs: 60_000 },
    );
    const page = await (await ask("/")).text();
    assert.match(page, /<h1>Not known<\/h1>/);
    assert.match(page, /<dt>Read back<\/dt><dd><time[^>]*>\d+ seconds ago</);
    assert.equal((await ask("/healthz")).status, 200);
  });

  it("tells no secret that it was given", { timeout: 60_000 }, async () => {
    await using store = await hangingStore();
    const folder = await mkdtemp(join(tmpdir(), "scb-secrets-"));
    const [words, port] = [join(folder, "words"), await freePort()];
    await writeFile(words, seedWords, { mode: 0o600 });
    try {
      const args = ["--from", "demo", "--to", store.url, "--listen", String(port)];
      await using run = startRun(args, {
        env: { ...credentials, SCB_MIRROR_KEY_FILE: words },
      });
      await run.event("swapped");
      const secrets = plantedSecrets.flatMap(({ pieces }) => pieces);
      for (const path of paths) {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        const text = JSON.stringify([...answer.headers]) + (await answer.text());
        for (const secret of [...Object.values(credentials).slice(0, 2), ...secrets]) {
          assert.ok(!text.includes(secret), `${path}: ${secret}`);
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("mirrors on under slow clients, a thousand scrapers and nonsense", {
    timeout: 120_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-flood-"));
    const port = await freePort();
    const to = pathToFileURL(join(folder, "store")).href;
    try {
      await using run = startRun([
        ...["--from", "demo", "--demo-interval", "200ms", "--to", to, "--listen", String(port)],
      ]);
      await run.event("swapped");
      const sockets = Array.from({ length: 200 }, (_, at) => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        socket.write(at % 2 === 0 ? "GET / HTTP/1.1\r\nX: " : "\u0000\u0001nonsense\r\n\r\n");
        return socket;
      });
      const flooded = run.events.length;
      const scrapes = Array.from({ length: 1000 }, async (_, at) => {
        await new Promise((resolve) => setTimeout(resolve, at * 3));
        return statusOf(port, paths[at % paths.length] ?? "/");
      });
      const answered = (await Promise.all(scrapes)).filter((status) => status !== null);
      for (const socket of sockets) socket.destroy();
      assert.ok(answered.length > 500, `${answered.length} of 1000`);
      await run.event("swapped", { after: run.events.length });
      const during = run.events.slice(flooded);
      assert.ok(during.filter(({ event }) => event === "swapped").length > 3);
      for (const { event, elapsedMs } of during) {
        if (event === "swapped") assert.ok(Number(elapsedMs) < 2_000, `${elapsedMs} ms`);
      }
      assert.equal(await run.end(), 0, run.stderr);
      assert.doesNotMatch(run.stderr, /ScbHttpWarning|defect/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("tells of each of its stores", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-two-"));
    const port = await freePort();
    const [one, two] = ["one", "two"].map((name) => pathToFileURL(join(folder, name)).href);
    try {
      await using run = startRun([
        ...["--from", "demo", "--demo-interval", "1h", "--to", one ?? "", "--to", two ?? ""],
        ...["--listen", String(port)],
      ]);
      await run.event(safe);
      const status = JSON.parse(await (await fetch(`http://127.0.0.1:${port}/status.json`)).text());
      assert.deepEqual(
        status.stores.map((each: { store: string; healthy: boolean }) => [
          each.store,
          each.healthy,
        ]),
        [
          [one, true],
          [two, true],
        ],
      );
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      assert.equal(metrics.match(/^scb_mirror_sequence\{.*\} \d+$/gm)?.length, 2);
      assert.equal(metrics.match(/^scb_mirror_safe\{.*\} 1$/gm)?.length, 1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Null if the connection is cut off. */
function statusOf(port: number, path: string): Promise<number | null> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume().once("close", () => resolve(response.statusCode ?? null));
    }).once("error", () => resolve(null));
  });
}
