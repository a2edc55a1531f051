import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "../peers/wait-for.ts";
import { cliPath, runCli } from "../support/cli.ts";

/** Every write to it fails: the disk is full. */
const fullDevice = "/dev/full";
const skip = existsSync(fullDevice) ? false : `this system has no ${fullDevice}`;

describe("output that cannot be written", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-output-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Runs a command with one of its outputs on a full disk. Gives what comes out at the other. */
  const withFull = async (
    output: "stdout" | "stderr",
    args: readonly string[],
    meanwhile?: () => Promise<unknown>,
  ): Promise<{ readonly code: number | null; readonly told: string }> => {
    await using full = await open(fullDevice, "w");
    const { PATH, HOME } = process.env;
    const child: ChildProcess = spawn(process.execPath, [cliPath, ...args], {
      env: { PATH, HOME },
      stdio: output === "stdout" ? ["ignore", full.fd, "pipe"] : ["ignore", "pipe", full.fd],
    });
    let told = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        told += chunk.toString("utf8");
      });
    }
    const closed = once(child, "close");
    try {
      await meanwhile?.();
    } finally {
      if (meanwhile !== undefined) child.kill("SIGTERM");
      await closed;
    }
    return { code: child.exitCode, told };
  };

  for (const output of ["stdout", "stderr"] as const) {
    it(`a full disk under ${output} does not end a mirror`, { skip }, async () => {
      const path = await mkdtemp(join(folder, "store-"));
      const to = ["--node", "demo", "--to", `file://${path}`];
      const demo = ["--from", "demo", "--demo-interval", "20ms", "--log-level", "debug"];
      const { code, told } = await withFull(output, ["run", "--json", ...demo, ...to], () =>
        waitFor(
          "ten versions",
          async () => {
            const names = await readdir(join(path, "demo", "versions"));
            return names.filter((name) => !name.startsWith(".")).length >= 10 ? names : undefined;
          },
          { timeoutMs: 20_000 },
        ),
      );
      if (output === "stderr") {
        assert.equal(code, 0);
        assert.match(told, /"event":"stopped"/);
      } else {
        assert.equal(code, 1);
        assert.match(told, /^scb-mirror: some of the output .* stdout: the disk is full$/m);
      }
    });
  }

  it("what is to be read there fails in one line", { skip }, async () => {
    const to = ["--to", `file://${await mkdtemp(join(folder, "store-"))}`];
    assert.equal((await runCli(["run", "--once", "--from", "demo", ...to])).code, 0);
    for (const args of [["list"], ["status", "--json"], ["restore", "-o", "-"]]) {
      const { code, told } = await withFull("stdout", [...args, ...to]);
      assert.equal(code, 1, args[0]);
      assert.match(told, /^scb-mirror: some of the output .* stdout: the disk is full\n$/);
    }
  });

  it("a backup that nobody takes from stdout is a failure", async () => {
    const to = ["--to", `file://${await mkdtemp(join(folder, "store-"))}`];
    assert.equal((await runCli(["run", "--once", "--from", "demo", ...to])).code, 0);
    for (const args of [
      ["restore", "-o", "-"],
      ["kit", "-o", "-"],
    ]) {
      const child = spawn(process.execPath, [cliPath, ...args, ...to], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      let told = "";
      child.stderr.on("data", (chunk: Buffer) => {
        told += chunk.toString("utf8");
      });
      child.stdout.destroy();
      await once(child, "close");
      assert.equal(child.exitCode, 1, told);
      assert.match(
        told,
        /some of the output couldn't be written to stdout: its reader has gone\n$/,
      );
    }
  });

  it("a log that nobody reads any more holds up nobody", async () => {
    const script = `
      const { createLogger } = await import(process.argv[1]);
      void process.stderr.isTTY;
      const logger = createLogger("info");
      for (let line = 0; line < 100_000; line++) logger.info({ line }, "x".repeat(100));
      process.stdout.write(String(process.memoryUsage.rss() < 500e6), () => process.exit());
    `;
    const logger = fileURLToPath(new URL("../../src/runtime/logger.ts", import.meta.url));
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, logger], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
    const ended = once(child, "exit");
    const [answer] = await Promise.race([once(child.stdout, "data"), ended]);
    assert.equal(String(answer), "true");
    await ended;
  });
});
