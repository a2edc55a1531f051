import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const documents = globSync("**/*.md", { cwd: root, exclude: ["{node_modules,dist,release}/**"] });

describe("npm's scripts", () => {
  it("those that are documented are there", () => {
    for (const file of documents) {
      const text = readFileSync(join(root, file), "utf8");
      for (const [, name = ""] of text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)) {
        assert.ok(name in scripts, `${file}: npm run ${name}`);
      }
    }
  });

  // A bare `node` is the machine's, which may be too old; npm's scripts run on the one that npm ci brings.
  it("no page asks for node itself", () => {
    for (const file of documents) {
      const text = readFileSync(join(root, file), "utf8");
      assert.doesNotMatch(text, /`node (?!--version|`)\S+\.ts\b/, file);
    }
  });

  it("each begins with a program that npm ci brings", () => {
    const brought = /^(?:exec )?(?:node|npm run|tsc|biome|buf)\b/;
    for (const [name, line] of Object.entries(scripts)) {
      for (const part of line.split(" && ")) assert.match(part, brought, name);
    }
  });
});

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
