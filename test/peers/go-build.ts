import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, type Progress } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

/** A release of a program that `go install` builds unchanged. */
interface Release {
  readonly title: string;
  readonly from: string;
  readonly version: string;
}

/** A module in a folder beside this file: its go.mod pins what a release doesn't, such as a `replace`. */
interface OwnModule {
  readonly title: string;
  readonly folder: string;
  /** What of it is installed: its `tool` lines, or itself. */
  readonly install: "tool" | ".";
  readonly tags?: string;
}

const goPrograms = {
  minio: {
    title: "MinIO (about 5 minutes the first time)",
    from: "github.com/minio/minio",
    // The last tag lacks two fixes of MinIO's conditional writes.
    version: "v0.0.0-20260212201848-7aac2a2c5b7c",
  },
  "minio-client": {
    title: "MinIO's client (about 2 minutes the first time)",
    from: "github.com/minio/mc",
    // The newest version that has a checksum in the public log.
    version: "v0.0.0-20250313080218-cf909e1063a9",
  },
  versitygw: {
    title: "Versity Gateway (about a minute the first time)",
    from: "github.com/versity/versitygw/cmd/versitygw",
    version: "v1.8.0",
  },
  seaweedfs: {
    title: "SeaweedFS (about 5 minutes the first time)",
    // Its go.mod has a replace, which go install refuses in a release.
    folder: "seaweedfs",
    install: "tool",
  },
  "fake-gcs": {
    title: "fake-gcs-server (about a minute the first time)",
    from: "github.com/fsouza/fake-gcs-server",
    version: "v1.56.1",
  },
  actionlint: {
    title: "actionlint (seconds)",
    from: "github.com/rhysd/actionlint/cmd/actionlint",
    version: "v1.7.12",
  },
  helm: {
    title: "Helm (about 2 minutes the first time)",
    from: "helm.sh/helm/v3/cmd/helm",
    version: "v3.22.0",
  },
  lnd: {
    title: "btcd and lnd (about 6 minutes the first time)",
    folder: "lnd",
    install: "tool",
    tags: "autopilotrpc signrpc walletrpc chainrpc invoicesrpc neutrinorpc routerrpc watchtowerrpc monitoring peersrpc",
  },
  "lnd-oracle": {
    title: "lnd's backup packages (seconds after lnd, else about 3 minutes the first time)",
    folder: "lnd-oracle",
    install: ".",
  },
} as const satisfies Readonly<Record<string, Release | OwnModule>>;

export type GoProgram = keyof typeof goPrograms;

const buildTimeoutMs = 40 * 60_000;

/** The folder that holds the binaries, built if it isn't cached. Throws PeerUnavailable. */
export async function buildWithGo(name: GoProgram, progress: Progress): Promise<string> {
  const program: Release | OwnModule = goPrograms[name];
  const goVersion = await findGo(name);
  if ("version" in program) {
    const { title, from, version } = program;
    const build = (folder: string): Promise<void> => goInstall(folder, [`${from}@${version}`]);
    return cached({ key: `${name}-${version}-${slug(goVersion)}`, title, build }, progress);
  }
  const { title, install, tags = "" } = program;
  const module = join(import.meta.dirname, program.folder);
  const key = `${name}-${await hashOf(module, tags)}-${slug(goVersion)}`;
  const build = (folder: string): Promise<void> =>
    goInstall(folder, [...(tags === "" ? [] : ["-tags", tags]), install], module);
  return cached({ key, title, build }, progress);
}

async function hashOf(module: string, tags: string): Promise<string> {
  const hash = createHash("sha256");
  const names = (await readdir(module)).sort();
  for (const name of names) hash.update(await readFile(join(module, name)));
  return hash.update(tags).digest("hex").slice(0, 16);
}

/** As `go version` prints it: `go1.26.8 linux/amd64`. */
async function findGo(program: string): Promise<string> {
  try {
    const line = await runCommand("go", ["version"], { timeoutMs: 60_000 });
    return line.trim().replace(/^go version /, "");
  } catch (error) {
    throw new PeerUnavailable(
      `${program} is built with Go, and "go version" fails. Install Go 1.26 or later (https://go.dev/dl/) and see that it is in PATH`,
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
