import { constants, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packaging, provisionTools } from "./debian-tools.ts";
import { cached, type Progress, toStderr } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { type CommandOptions, runCommand } from "./run-command.ts";

const suite = "bookworm";

/** The folder of a Debian 12 with nothing but its base, made once. Throws PeerUnavailable. */
export async function provisionCleanDebian(
  progress: Progress = toStderr,
  options: { readonly install?: boolean } = {},
): Promise<string> {
  if (process.getuid?.() !== 0) {
    throw new PeerUnavailable("only root can make a clean Debian and change its root into it");
  }
  await provisionTools(packaging, progress, options);
  const folder = await cached(
    {
      key: `debian-${suite}-minbase`,
      title: "a clean Debian 12 (about a minute the first time)",
      build: async (target) => {
        const root = join(target, "root");
        // An ordinary installation has them, a minimal one doesn't.
        const packages = "--include=adduser,ca-certificates";
        const args = ["--variant=minbase", packages, suite, root];
        await runCommand("debootstrap", args, { timeoutMs: 10 * 60_000 });
      },
    },
    progress,
  );
  return join(folder, "root");
}

/**
 * A fresh Debian 12 without a compiler, Node or a checkout. Changes to it last until it is disposed,
 * and don't affect this machine. It has no network but its own loopback, unless it `sharesNetwork`.
 */
export class CleanDebian implements AsyncDisposable {
  readonly #base: string;
  readonly #work: string;
  readonly #sharesNetwork: boolean;

  private constructor(base: string, work: string, sharesNetwork: boolean) {
    this.#base = base;
    this.#work = work;
    this.#sharesNetwork = sharesNetwork;
  }

  static async open({ sharesNetwork = false } = {}): Promise<CleanDebian> {
    const base = await provisionCleanDebian();
    const work = await mkdtemp(join(tmpdir(), "scb-debian-"));
    for (const name of ["upper", "work", "root"]) await mkdir(join(work, name));
    return new CleanDebian(base, work, sharesNetwork);
  }

  /** Copies a file or a folder of this machine to a path there. */
  async put(from: string, to: string): Promise<void> {
    const path = join(this.#work, "upper", to);
    await mkdir(dirname(path), { recursive: true });
    await cp(from, path, { recursive: true, mode: constants.COPYFILE_FICLONE });
  }

  /** Runs a shell command there, as root in its own folder, and returns its stdout. */
  run(line: string, options: Partial<CommandOptions> = {}): Promise<string> {
    const [base, upper, work, root] = [
      this.#base,
      ...["upper", "work", "root"].map((name) => join(this.#work, name)),
    ];
    // The mounts disappear with the last process.
    const script = `
      mount -t overlay overlay -o lowerdir=${base},upperdir=${upper},workdir=${work} ${root}
      mount -t proc proc ${root}/proc
      mount --rbind /dev ${root}/dev
      mount -t tmpfs tmpfs ${root}/run
      cd ${root}
      exec chroot . /bin/sh -c "$1"`;
    const network = this.#sharesNetwork ? [] : ["--net"];
    const flags = ["--mount", "--pid", "--fork", "--kill-child", ...network];
    return runCommand("unshare", [...flags, "sh", "-e", "-c", script, "sh", line], {
      timeoutMs: 120_000,
      ...options,
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        LC_ALL: "C.UTF-8",
        DEBIAN_FRONTEND: "noninteractive",
        ...options.env,
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#work, { recursive: true, force: true });
  }
}
