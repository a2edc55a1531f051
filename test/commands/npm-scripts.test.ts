import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `npm run -s scb-mirror -- …` from another folder, as a person in a checkout types it. */
function npmRun(args: readonly string[], cwd: string) {
  const child = spawn("npm", ["--prefix", root, "run", "-s", "scb-mirror", "--", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  return { child, stdout: () => stdout };
}

describe("npm run scb-mirror", { timeout: 120_000 }, () => {
  it("passes folder, signals and exit code through", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-npm-"));
    try {
      const store = pathToFileURL(join(folder, "store")).href;
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const run = npmRun(["run", "--json", "--from", "demo", "--to", store], folder);
        while (!run.stdout().includes('"started"')) await once(run.child.stdout, "data");
        run.child.kill(signal);
        const [code] = await once(run.child, "close");
        assert.equal(code, 0, signal);
        assert.match(run.stdout().trimEnd().split("\n").at(-1) ?? "", /"stopped"/);
      }
      const restore = npmRun(["restore", "--to", store, "-o", "here.backup"], folder);
      assert.deepEqual(await once(restore.child, "close"), [0, null]);
      assert.ok((await readdir(folder)).includes("here.backup"));
      const status = npmRun(["status", "--to", store, "--max-age", "1ms"], folder);
      assert.deepEqual(await once(status.child, "close"), [3, null]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
