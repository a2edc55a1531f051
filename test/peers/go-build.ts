import { createHash, type Hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, type Progress } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

// The last tag is older than two fixes of MinIO's conditional writes.
const minioVersion = "v0.0.0-20260212201848-7aac2a2c5b7c";
const actionlintVersion = "v1.7.12";
const fakeGcsVersion = "v1.56.1";
const lndModule = join(import.meta.dirname, "lnd");
const oracleModule = join(import.meta.dirname, "lnd-oracle");
const lndTags =
  "autopilotrpc signrpc walletrpc chainrpc invoicesrpc neutrinorpc routerrpc watchtowerrpc monitoring peersrpc";
const buildTimeoutMs = 40 * 60_000;

/** The folder that holds `minio`, built where it isn't cached. */
export async function buildMinio(progress: Progress): Promise<string> {
  const goVersion = await findGo("MinIO");
  return cached(
    {
      key: `minio-${minioVersion}-${slug(goVersion)}`,
      title: "MinIO (about 5 minutes the first time)",
      build: (folder) => goInstall(folder, [`github.com/minio/minio@${minioVersion}`]),
    },
    progress,
  );
}

/** The folder that holds `fake-gcs-server`, built where it isn't cached. */
export async function buildFakeGcs(progress: Progress): Promise<string> {
  const goVersion = await findGo("fake-gcs-server");
  return cached(
    {
      key: `fake-gcs-${fakeGcsVersion}-${slug(goVersion)}`,
      title: "fake-gcs-server (about a minute the first time)",
      build: (folder) => goInstall(folder, [`github.com/fsouza/fake-gcs-server@${fakeGcsVersion}`]),
    },
    progress,
  );
}

/** The folder that holds `btcd`, `btcctl`, `lnd` and `lncli`, built where it isn't cached. */
export async function buildLnd(progress: Progress): Promise<string> {
  const goVersion = await findGo("lnd");
  const hash = await hashFiles(lndModule, ["go.mod", "go.sum"]);
  const key = hash.update(lndTags).digest("hex").slice(0, 16);
  return cached(
    {
      key: `lnd-${key}-${slug(goVersion)}`,
      title: "btcd and lnd (about 6 minutes the first time)",
      build: (folder) => goInstall(folder, ["-tags", lndTags, "tool"], lndModule),
    },
    progress,
  );
}

/** The folder that holds `lnd-oracle`, built where it isn't cached. */
export async function buildLndOracle(progress: Progress): Promise<string> {
  const goVersion = await findGo("lnd-oracle");
  const hash = await hashFiles(oracleModule, (await readdir(oracleModule)).sort());
  const key = hash.digest("hex").slice(0, 16);
  return cached(
    {
      key: `lnd-oracle-${key}-${slug(goVersion)}`,
      title: "lnd's backup packages (seconds after lnd, else about 3 minutes the first time)",
      build: (folder) => goInstall(folder, ["."], oracleModule),
    },
    progress,
  );
}

/** The folder that holds `actionlint`, built where it isn't cached. */
export async function buildActionlint(progress: Progress): Promise<string> {
  const goVersion = await findGo("actionlint");
  return cached(
    {
      key: `actionlint-${actionlintVersion}-${slug(goVersion)}`,
      title: "actionlint (seconds)",
      build: (folder) =>
        goInstall(folder, [`github.com/rhysd/actionlint/cmd/actionlint@${actionlintVersion}`]),
    },
    progress,
  );
}

async function hashFiles(folder: string, names: readonly string[]): Promise<Hash> {
  const hash = createHash("sha256");
  for (const name of names) hash.update(await readFile(join(folder, name)));
  return hash;
}

/** As `go version` prints it: `go1.26.8 linux/amd64`. */
async function findGo(peer: string): Promise<string> {
  try {
    const line = await runCommand("go", ["version"], { timeoutMs: 60_000 });
    return line.trim().replace(/^go version /, "");
  } catch (error) {
    throw new PeerUnavailable(
      `${peer} is built with Go, and "go version" fails. Install Go 1.25 or later (https://go.dev/dl/) and see that it is in PATH`,
      { cause: error },
    );
  }
}

async function goInstall(folder: string, args: readonly string[], cwd?: string): Promise<void> {
  try {
    await runCommand("go", ["install", "-buildvcs=false", "-ldflags", "-s -w", ...args], {
      cwd,
      // Static, so that an image can be made of the binary alone.
      env: { ...process.env, GOBIN: folder, CGO_ENABLED: "0" },
      timeoutMs: buildTimeoutMs,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PeerUnavailable(
      `the build failed. It needs the network the first time, for Go's module proxy, and some 5 GB of disk.\n${text}`,
      { cause: error },
    );
  }
}

function slug(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.]+/g, "-");
}
