import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { rcloneKind } from "../../src/store/rclone-kind.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type RcloneRemote, startSftpRemote, startWebdavRemote } from "../peers/rclone.ts";
import { runCommand } from "../peers/run-command.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type CliResult, runCli, startRun } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";

const servers = [
  { server: "sshd", start: startSftpRemote },
  { server: "rclone serve webdav", start: startWebdavRemote },
] as const;

for (const { server, start } of servers) {
  peerSuite(`a mirror through rclone on ${server}`, ["rclone"], () => {
    let remote: RcloneRemote;
    let backup: CountedBackup;
    let scratch: string;
    before(async () => {
      [remote, backup] = await Promise.all([start(), CountedBackup.make()]);
      scratch = await mkdtemp(join(tmpdir(), "scb-rclone-mirror-"));
    });
    after(async () => {
      await remote?.[Symbol.asyncDispose]();
      await backup?.[Symbol.asyncDispose]();
      await rm(scratch, { recursive: true, force: true });
    });

    /** `path` below what the server serves, as the remote names it, and on this machine's disk. */
    const at = (path: string) => ({
      to: `rclone:${remote.name}:${server === "sshd" ? `${remote.folder}/` : ""}${path}`,
      disk: join(remote.folder, path),
    });
    const cli = (args: readonly string[]): Promise<CliResult> =>
      runCli(args, { env: remote.environment });
    const versionsIn = async (disk: string): Promise<string[]> =>
      (await readdir(join(disk, "n", "versions"))).filter((name) => !name.startsWith("."));
    const run = (to: string, ...more: readonly string[]) =>
      startRun(["--from", `file:${backup.path}`, "--to", to, "--node", "n", ...more], {
        env: remote.environment,
      });

    it("lives, and every command reads what it saved", async () => {
      const { to, disk } = at("lives");
      await using mirror = run(to, "--log-level", "info");
      const started = await mirror.event("started");
      assert.equal(started["appendOnly"], true);
      assert.match(mirror.stderr, /append-only: the store can't coordinate two mirrors/);
      await mirror.event("swapped");
      const bytes = await backup.rewrite();
      const swapped = await mirror.event((event) => event["sequence"] === 2);
      const key = String(swapped["key"]);
      assert.deepEqual(await readFile(join(disk, "n", key)), bytes);
      assert.equal((await readdir(join(disk, "n"))).includes("latest.json"), false);
      assert.equal(await mirror.end("SIGTERM"), 0, mirror.stderr);

      const where = ["--to", to, "--node", "n"];
      const status = await cli(["status", "--json", ...where]);
      assert.equal(status.code, 0, status.stderr);
      const { healthy, latest, appendOnly } = status.json() as {
        healthy: boolean;
        latest: { key: string; sha256: string };
        appendOnly: boolean;
      };
      assert.deepEqual([healthy, latest.key, appendOnly], [true, key, true]);
      assert.match((await cli(["status", ...where])).stdout, /append-only/);
      const verify = await cli(["verify", "--json", ...where]);
      assert.deepEqual([verify.code, (verify.json() as { checked: number }).checked], [0, 2]);
      assert.equal((await cli(["list", "--json", ...where])).code, 0);
      const drill = await cli(["drill", "--json", ...where]);
      // Nothing was given that opens it: not known, and no worse.
      assert.equal((drill.json() as { verdict: string }).verdict, "unknown", drill.stdout);
      const doctor = await cli(["doctor", ...where]);
      assert.equal(doctor.code, 0, doctor.stdout);
      assert.match(doctor.stdout, /append-only, because rclone's remotes enforce no conditions/);
      const file = join(scratch, "channel.backup");
      const restore = await cli(["restore", "--json", ...where, "-o", file]);
      assert.equal(restore.code, 0, restore.stderr);
      const { verified } = restore.json() as { verified: { hash: boolean } };
      assert.equal(verified.hash, true);
      assert.deepEqual(await readFile(file), bytes);
    });

    it("saves the last state soon after the server's return", async () => {
      const { to, disk } = at("outage");
      await using mirror = run(to, "--request-timeout", "2s");
      await mirror.event("swapped");
      await remote.kill();
      const last = await backup.rewrite();
      await mirror.event("retrying");
      await remote.start();
      const isSaved = async (): Promise<true | undefined> => {
        const [newest = ""] = (await versionsIn(disk)).sort().slice(-1);
        const held = await readFile(join(disk, "n", "versions", newest));
        return held.equals(last) || undefined;
      };
      await waitFor("the last state", isSaved, { timeoutMs: 60_000 });
      assert.equal(await mirror.end("SIGTERM"), 0, mirror.stderr);
      const verify = await cli(["verify", "--to", to, "--node", "n"]);
      assert.equal(verify.code, 0, verify.stdout);
    });

    it("dies by SIGKILL at any moment, and every version is whole", async () => {
      const { to } = at("killed");
      for (let round = 0; round < 4; round += 1) {
        await using mirror = run(to);
        await mirror.event("swapped");
        await backup.rewrite();
        await new Promise((resolve) => setTimeout(resolve, round * 12));
        await mirror.end("SIGKILL");
        await backup.rewrite();
      }
      const verify = await cli(["verify", "--to", to, "--node", "n"]);
      assert.equal(verify.code, 0, verify.stdout);
    });

    it("loses nothing to a second mirror, and says that there is one", async () => {
      const { to, disk } = at("two");
      const quickly = ["--look-interval", "1s"];
      await using first = run(to, ...quickly);
      await first.event("swapped");
      await using second = run(to, ...quickly);
      await second.event("unchanged");
      const saved = async (): Promise<number> => (await versionsIn(disk)).length;
      const before = await saved();
      const lost = () => [...first.events, ...second.events].find(({ event }) => event === "lost");
      // A mirror that happens to look in between goes on from what the other has saved.
      for (let round = 0; round < 10 && lost() === undefined; round += 1) {
        await backup.rewrite();
        await waitFor("an alarm", async () => lost(), { timeoutMs: 3_000 }).catch(() => undefined);
      }
      await Promise.all([first.end("SIGTERM"), second.end("SIGTERM")]);
      assert.match(JSON.stringify(lost()), /Another scb-mirror writes there/);
      assert.ok((await saved()) >= before + 2);
      const verify = await cli(["verify", "--json", "--to", to, "--node", "n"]);
      const { problems } = verify.json() as { problems: { code: string }[] };
      // All are there and whole; that they don't follow one another is what two mirrors make.
      assert.ok(problems.every(({ code }) => code === "branch"));
    });

    it("is restored by rclone alone, with what the recovery kit says", async () => {
      const { to, disk } = at("stock");
      await using mirror = run(to);
      await mirror.event("swapped");
      assert.equal(await mirror.end("SIGTERM"), 0);
      const [newest = ""] = (await versionsIn(disk)).sort().slice(-1);
      const tools = rcloneKind.stockTools(rcloneKind.parse(to), "n");
      const shell = (...lines: readonly string[]): Promise<string> =>
        runCommand("sh", ["-c", lines.join("\n")], {
          env: { ...remote.environment },
          cwd: scratch,
          timeoutMs: 30_000,
        });
      const listed = await shell(...tools.variables, tools.list("versions/"));
      assert.equal(listed.trim(), newest);
      const file = join(scratch, "stock.backup");
      await shell(...tools.variables, tools.copy(`versions/${newest}`, file));
      const bytes = await readFile(join(disk, "n", "versions", newest));
      assert.deepEqual(await readFile(file), bytes);

      const page = await readFile(new URL("../../docs/stores.md", import.meta.url), "utf8");
      const [, lines = ""] = /```sh rclone\n(.*?)```/s.exec(page) ?? [];
      assert.ok(lines.includes("nas:lightning/NODE"));
      const printed = await shell(lines.replace("nas:lightning/NODE", `${to.slice(7)}/n`));
      assert.deepEqual(await readFile(join(scratch, "channel.backup")), bytes);
      const hash = sha256Hex(bytes);
      assert.match(printed, new RegExp(`^${hash} .*"scb-sha256":"${hash}"`, "s"));
    });

    it("is read from a plain copy of its folder", async () => {
      const { to, disk } = at("copied");
      await using mirror = run(to);
      await mirror.event("swapped");
      assert.equal(await mirror.end("SIGTERM"), 0);
      const copy = join(scratch, "copy");
      await cp(disk, copy, { recursive: true });
      const verify = await cli([
        "verify",
        "--json",
        "--to",
        pathToFileURL(copy).href,
        "--node",
        "n",
      ]);
      const { verdict, checked } = verify.json() as { verdict: string; checked: number };
      assert.deepEqual([verify.code, verdict, checked], [0, "safe", 1]);
    });
  });
}
