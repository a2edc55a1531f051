import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  chown,
  constants,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HostileS3 } from "../peers/hostile-s3.ts";
import { inCi } from "../peers/peer-unavailable.ts";
import { waitFor } from "../peers/wait-for.ts";
import { cliPath } from "../support/cli.ts";

/** No user of this machine, with no entry in passwd. */
const stranger = 54_321;
const mayTry = process.getuid?.() === 0 || inCi();
const skip = mayTry ? false : "only root can become another user, and make namespaces";

interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("a machine that has little", { skip }, () => {
  let folder: string;
  let node: string;
  let cli: string;
  let store: string;
  before(async () => {
    // Where everybody may look: a checkout may be in root's own folder.
    folder = await mkdtemp(join(tmpdir(), "scb-bare-"));
    await chmod(folder, 0o755);
    node = join(folder, "node");
    await copyFile(process.execPath, node, constants.COPYFILE_FICLONE);
    await chmod(node, 0o755);
    await cp(dirname(cliPath), join(folder, "app"), { recursive: true });
    cli = join(folder, "app", "cli.js");
    store = join(folder, "store");
    await mkdir(store);
    await chown(store, stranger, stranger);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const collect = async (child: ChildProcess): Promise<Told> => {
    const told = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.on("data", (chunk: Buffer) => {
        told[name] += chunk.toString("utf8");
      });
    }
    await once(child, "close");
    return { code: child.exitCode, ...told };
  };
  /** As a user without a name, a home or a terminal. */
  const asNobody = (
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Told> => {
    const flags = [`--reuid=${stranger}`, `--regid=${stranger}`, "--clear-groups"];
    const env = { PATH: "/usr/bin:/bin", ...variables };
    return collect(spawn("setpriv", [...flags, node, cli, ...args], { env, cwd: "/" }));
  };

  it("no home folder and no entry in passwd: a folder", async () => {
    const to = ["--to", `file://${store}`];
    const saved = await asNobody(["run", "--once", "--from", "demo", "--node", "a", ...to]);
    assert.equal(saved.code, 0, saved.stderr);
    assert.equal((await asNobody(["status", ...to])).code, 0);
    const lnd = await asNobody(["status", "--from", "lnd", ...to]);
    assert.match(lnd.stderr, /no tls\.cert at \/\.lnd\/tls\.cert/);
  });

  it("no home folder and no entry in passwd: S3", async () => {
    await using s3 = await HostileS3.start();
    const to = ["--to", `s3://bucket?endpoint=${s3.endpoint}`, "--node", "a"];
    const credentials = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y" };
    const saved = await asNobody(["run", "--once", "--from", "demo", ...to], credentials);
    assert.equal(saved.code, 0, saved.stderr);
    assert.equal((await asNobody(["status", ...to], credentials)).code, 0);
    const without = await asNobody(["list", ...to], { AWS_EC2_METADATA_DISABLED: "true" });
    assert.equal(without.code, 1);
    assert.match(without.stderr, /no credentials found/);
    assert.doesNotMatch(without.stderr, /defect|\n.*\n/);
  });

  it("a read-only root, as process 1, with a umask that keeps all to itself", async () => {
    const own = join(folder, "own");
    await mkdir(own);
    const script = `
      mount --bind / / && mount -o remount,bind,ro / && mount -t tmpfs tmpfs ${own} || exit 99
      umask 077
      ! touch ${folder}/written 2>/dev/null || exit 98
      exec ${node} ${cli} run --from demo --demo-interval 100ms --node a --to file://${own}/store
    `;
    const child = spawn("unshare", ["-m", "-p", "-f", "--mount-proc", "sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin" },
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
    });
    const told = collect(child);
    await waitFor("two swaps", () => (/saved sequence 2/.test(said) ? true : undefined), {
      timeoutMs: 30_000,
      hopeless: () => (child.exitCode === null ? null : `it ended with ${child.exitCode}`),
    });
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    const pid = Number(children);
    assert.ok(pid > 1, children);
    // Half of the limit that the unit and the images have.
    const used = await readFile(`/proc/${pid}/status`, "utf8");
    const peakKb = Number(/^VmHWM:\s+(\d+) kB/m.exec(used)?.[1]);
    assert.ok(peakKb < 256 * 1024, `${peakKb} kB`);
    process.kill(pid, "SIGTERM");
    const { code, stdout, stderr } = await told;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /stopped: everything known is saved/);
  });
});
