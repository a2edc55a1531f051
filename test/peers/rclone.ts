import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";
import { canConnect } from "./proxies.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

const sshd = "/usr/sbin/sshd";
/** Debian's rclone; SCB_TEST_RCLONE names another. */
const rclone = process.env["SCB_TEST_RCLONE"] ?? "/usr/bin/rclone";

/** A server that one remote of an rclone configuration names: `name`. */
export interface RcloneRemote extends AsyncDisposable {
  readonly name: string;
  /** The folder that it serves, on this machine's disk. */
  readonly folder: string;
  /** PATH, HOME and RCLONE_CONFIG, and nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  /** The configuration that knows it. */
  readonly configPath: string;
  /** Kills it, with every connection. */
  kill(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** Freezes all its processes, with all connections open; `resume` lets them go on. */
  freeze(): void;
  resume(): void;
}

/**
 * Makes sure that rclone and sshd are there. Installs Debian's if `install` is true, which by default
 * only CI sets. Throws PeerUnavailable.
 */
export async function provisionRclone(
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  const isThere = (): boolean => existsSync(rclone) && existsSync(sshd);
  if (isThere()) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!install || !canInstall) {
    throw new PeerUnavailable(
      `rclone or sshd is missing. Install them, or let "npm run peers -- rclone" install Debian's`,
    );
  }
  progress("rclone: installing Debian's rclone and openssh-server");
  await installDebian(["rclone", "openssh-server"]);
  if (!isThere()) throw new PeerUnavailable(`${rclone} or ${sshd} is missing after all`);
}

/** `rclone.conf` with these remotes, in a new folder, and what an rclone needs to find it. */
export async function newRcloneConfig(sections: string): Promise<{
  readonly folder: string;
  readonly configPath: string;
  readonly environment: Readonly<Record<string, string>>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "scb-rclone-"));
  const configPath = join(folder, "rclone.conf");
  await writeFile(configPath, sections, { mode: 0o600 });
  const PATH = `${dirname(rclone)}:${process.env["PATH"]}`;
  return { folder, configPath, environment: { PATH, HOME: folder, RCLONE_CONFIG: configPath } };
}

/** OpenSSH's sshd on a port of this machine, which lets its own key in as the user of this process. */
export async function startSftpRemote(): Promise<RcloneRemote> {
  const port = await freePort();
  const { folder, configPath, environment } = await newRcloneConfig("");
  const at = (name: string): string => join(folder, name);
  for (const name of ["host-key", "user-key"]) {
    const args = ["-q", "-t", "ed25519", "-N", "", "-f", at(name)];
    await runCommand("ssh-keygen", args, { timeoutMs: 30_000 });
  }
  const hostKey = await readFile(at("host-key.pub"), "utf8");
  await writeFile(at("known-hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  await writeFile(
    at("sshd.conf"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${at("host-key")}`,
      `AuthorizedKeysFile ${at("user-key.pub")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "MaxStartups 100",
      "Subsystem sftp internal-sftp",
      "ForceCommand internal-sftp",
      "",
    ].join("\n"),
  );
  await writeFile(
    configPath,
    [
      "[nas]",
      "type = sftp",
      "host = 127.0.0.1",
      `port = ${port}`,
      `user = ${userInfo().username}`,
      `key_file = ${at("user-key")}`,
      `known_hosts_file = ${at("known-hosts")}`,
      "shell_type = none",
      "",
    ].join("\n"),
  );
  // sshd needs this folder for privilege separation; Debian makes it at boot.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const args = ["-D", "-e", "-f", at("sshd.conf")];
  return serve("nas", { port, folder, configPath, environment }, sshd, args);
}

/** `rclone serve webdav` on a port of this machine, behind a password. */
export async function startWebdavRemote(): Promise<RcloneRemote> {
  const port = await freePort();
  const { folder, configPath, environment } = await newRcloneConfig("");
  const obscured = await runCommand(rclone, ["obscure", "s3same-street"], {
    env: environment,
    timeoutMs: 30_000,
  });
  await writeFile(
    configPath,
    [
      "[dav]",
      "type = webdav",
      `url = http://127.0.0.1:${port}`,
      "vendor = other",
      "user = alice",
      `pass = ${obscured.trim()}`,
      "",
    ].join("\n"),
  );
  const args = ["serve", "webdav", join(folder, "served"), "--addr", `127.0.0.1:${port}`];
  // Otherwise it may show a folder as it was minutes ago.
  const options = ["--user", "alice", "--pass", "s3same-street", "--dir-cache-time", "1ms"];
  return serve("dav", { port, folder, configPath, environment }, rclone, [...args, ...options]);
}

async function serve(
  name: string,
  where: {
    readonly port: number;
    readonly folder: string;
    readonly configPath: string;
    readonly environment: Readonly<Record<string, string>>;
  },
  command: string,
  args: readonly string[],
): Promise<RcloneRemote> {
  const { port, folder, configPath, environment } = where;
  const served = join(folder, "served");
  await mkdir(served);
  let child: Child | null = null;
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of child === null ? [] : descendants(child.pid)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  const remote: RcloneRemote = {
    name,
    folder: served,
    environment,
    configPath,
    async start() {
      const logPath = join(folder, "server.log");
      const started = await startChild(name, command, args, { logPath, env: environment });
      child = started;
      await waitFor(`${name} on port ${port}`, () => canConnect(port), {
        timeoutMs: 30_000,
        everyMs: 20,
        details: started.logTail,
        hopeless: started.ended,
      });
    },
    async kill() {
      signalAll("SIGKILL");
      await child?.stop("SIGKILL");
    },
    freeze: () => signalAll("SIGSTOP"),
    resume: () => signalAll("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await remote.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await remote.start();
  return remote;
}

/** The process and its descendants: each sshd session is a separate process. */
function descendants(pid: number): number[] {
  let children: string;
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  } catch {
    children = "";
  }
  return [pid, ...children.split(" ").filter(Boolean).map(Number).flatMap(descendants)];
}
