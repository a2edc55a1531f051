import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { provisionAzurite } from "./provision.ts";
import { waitFor } from "./wait-for.ts";

/** Azurite on 127.0.0.1: Azure Blob Storage as Microsoft simulates it for tests. */
export interface Azurite extends AsyncDisposable {
  readonly account: string;
  /** Of the account's blobs. */
  readonly endpoint: string;
  readonly key: string;
  createContainer(name: string): Promise<void>;
  /** Variables for this process or a child's. */
  env(): NodeJS.ProcessEnv;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts it, and returns when it answers. Installs it if it isn't cached. */
export async function startAzurite(): Promise<Azurite> {
  const program = await provisionAzurite();
  const folder = await mkdtemp(join(tmpdir(), "scb-azurite-"));
  const port = await freePort();
  const account = "scbtest";
  const key = Buffer.from("scb-test-key-that-is-long-enough").toString("base64");
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const credential = new StorageSharedKeyCredential(account, key);
  const container = (name: string): ContainerClient =>
    new ContainerClient(`${endpoint}/${name}`, credential, { retryOptions: { maxTries: 1 } });
  const start = async (): Promise<Child> => {
    const where = ["--blobHost", "127.0.0.1", "--blobPort", String(port)];
    const quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"];
    const child = await startChild(
      "azurite",
      process.execPath,
      [program, ...where, ...quiet, "--location", join(folder, "data")],
      {
        logPath: join(folder, "azurite.log"),
        env: { HOME: folder, AZURITE_ACCOUNTS: `${account}:${key}` },
      },
    );
    await waitFor(`Azurite on ${endpoint}`, () => container("ready").exists().then(String), {
      timeoutMs: 60_000,
      everyMs: 100,
      details: child.logTail,
      hopeless: child.ended,
    });
    return child;
  };
  let child = await start();
  return {
    account,
    endpoint,
    key,
    async createContainer(name) {
      await container(name).createIfNotExists();
    },
    env: () => ({
      AZURE_STORAGE_KEY: key,
      AZURE_STORAGE_SAS_TOKEN: undefined,
      AZURE_STORAGE_CONNECTION_STRING: undefined,
    }),
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
