import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

/** A Docker engine that answers. */
export interface DockerEngine extends AsyncDisposable {
  /** As `DOCKER_HOST` takes it. */
  readonly host: string;
  removeImage(name: string): Promise<void>;
}

/**
 * Makes sure that `startDocker` can provide an engine: one answers, or root can start
 * `dockerd`. Installs Debian's if `install` is true, which by default only CI sets: a
 * test that a person runs doesn't change the system. Throws PeerUnavailable.
 */
export async function provisionDocker(
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  if ((await answeringHost()) !== null) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await hasDockerd())) return;
  if (!isRoot || !existsSync("/usr/bin/apt-get")) {
    throw new PeerUnavailable(
      "no Docker engine answers. Start one (https://docs.docker.com/engine/install/), or set DOCKER_HOST",
    );
  }
  if (!install) {
    throw new PeerUnavailable(
      'no Docker engine answers. Start one, or let "npm run peers -- docker" install Debian\'s docker.io',
    );
  }
  progress("Docker: installing Debian's docker.io");
  await installDebian(["docker.io", "iptables"]);
}

/**
 * The engine that answers; if there is none, one of our own, with its own socket and folders,
 * that is stopped and removed on dispose.
 */
export async function startDocker(): Promise<DockerEngine> {
  await provisionDocker();
  const host = await answeringHost();
  if (host !== null) {
    return { host, removeImage: remover(host), [Symbol.asyncDispose]: async () => undefined };
  }
  return startDockerd();
}

async function startDockerd(): Promise<DockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), "scb-docker-"));
  const host = `unix://${folder}/docker.sock`;
  const args = [
    ["--host", host],
    ["--data-root", join(folder, "data")],
    ["--exec-root", join(folder, "exec")],
    ["--pidfile", join(folder, "docker.pid")],
  ];
  const dockerd = await startChild("dockerd", "dockerd", args.flat(), {
    logPath: join(folder, "dockerd.log"),
  });
  const engine: DockerEngine = {
    host,
    removeImage: remover(host),
    async [Symbol.asyncDispose]() {
      await dockerd.stop("SIGTERM", 30_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await waitFor("the Docker engine", async () => ((await answers(host)) ? true : undefined), {
      timeoutMs: 60_000,
      details: dockerd.logTail,
      hopeless: dockerd.ended,
    });
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return engine;
}

function remover(host: string): DockerEngine["removeImage"] {
  return async (name) => {
    await runCommand("docker", ["--host", host, "rmi", name], { timeoutMs: 60_000 });
  };
}

/** The host of the engine that the user's own `docker` talks to, if it answers. */
async function answeringHost(): Promise<string | null> {
  try {
    const format = "{{.Endpoints.docker.Host}}";
    const options = { timeoutMs: 10_000 };
    const host = await runCommand("docker", ["context", "inspect", "--format", format], options);
    return (await answers(host.trim())) ? host.trim() : null;
  } catch {
    return null;
  }
}

async function answers(host: string): Promise<boolean> {
  try {
    await runCommand("docker", ["--host", host, "version"], { timeoutMs: 10_000 });
    return true;
  } catch {
    return false;
  }
}

async function hasDockerd(): Promise<boolean> {
  try {
    await runCommand("dockerd", ["--version"], { timeoutMs: 10_000 });
    return true;
  } catch {
    return false;
  }
}
