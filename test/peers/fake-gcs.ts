import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { provisionFakeGcs } from "./provision.ts";
import { waitFor } from "./wait-for.ts";

/** A fake-gcs-server on 127.0.0.1: Google Cloud Storage as its tests see it. It takes any credentials. */
export interface FakeGcs extends AsyncDisposable {
  readonly endpoint: string;
  createBucket(name: string): Promise<void>;
  /** SIGKILL, and waits until it is gone. Its data is lost. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts it, and returns when it answers. Builds it if it isn't cached. */
export async function startFakeGcs(): Promise<FakeGcs> {
  const program = await provisionFakeGcs();
  const folder = await mkdtemp(join(tmpdir(), "scb-fake-gcs-"));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const endpoint = `http://${address}`;
  const buckets = `${endpoint}/storage/v1/b`;
  const ask = async (body?: string): Promise<boolean> => {
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? {} : { method: "POST", headers, body };
    const answer = await fetch(buckets, init);
    if (!answer.ok) throw new Error(`${buckets}: ${answer.status} ${await answer.text()}`);
    return true;
  };
  const start = async (): Promise<Child> => {
    const where = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port)];
    // Its other backend breaks connections when one object is written and read at the same time.
    const storage = ["-backend", "memory"];
    const child = await startChild(
      "fake-gcs-server",
      program,
      [...where, ...storage, "-public-host", address],
      { logPath: join(folder, "fake-gcs.log"), env: { HOME: folder } },
    );
    await waitFor(`fake-gcs-server on ${endpoint}`, () => ask(), {
      timeoutMs: 60_000,
      everyMs: 50,
      details: child.logTail,
      hopeless: child.ended,
    });
    return child;
  };
  let child = await start();
  return {
    endpoint,
    async createBucket(name) {
      await ask(JSON.stringify({ name }));
    },
    kill: () => child.stop("SIGKILL"),
    async restart() {
      await child.stop("SIGKILL");
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await child.stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
