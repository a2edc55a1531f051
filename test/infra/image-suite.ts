import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type BuiltImage, imageLabels } from "./built-image.ts";

/** Twice what it was when this was written. */
const largestAddedBytes = 15_000_000;

const inspectSchema = z.tuple([
  z.object({
    Config: z.object({ User: z.string(), Entrypoint: z.array(z.string()), StopSignal: z.string() }),
  }),
]);

/** The tests of the image itself. */
export function imageSuite(built: () => BuiltImage): void {
  const docker = (...args: readonly string[]): Promise<string> => built().docker(...args);
  const locked = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
  const demo = ["--from", "demo", "--to", "file:///data/store"];

  it("starts the program itself, as nobody in particular", async () => {
    const [{ Config }] = inspectSchema.parse(JSON.parse(await docker("inspect", built().name)));
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
      .parse(JSON.parse(await docker("inspect", "--format", format, built().name)));
    const named = (name: string): string | undefined => labels[`org.opencontainers.image.${name}`];
    assert.deepEqual(["title", "licenses", "version", "revision", "source"].map(named), [
      "scb-mirror",
      "MIT",
      imageLabels.VERSION,
      imageLabels.REVISION,
      imageLabels.SOURCE,
    ]);
  });

  it("adds little to its base", async () => {
    const sizeOf = async (name: string): Promise<number> =>
      Number(await docker("inspect", "--format", "{{.Size}}", name));
    const addedBytes = (await sizeOf(built().name)) - (await sizeOf(built().base));
    process.stderr.write(`the image adds ${(addedBytes / 1e6).toFixed(1)} MB to its base\n`);
    assert.ok(addedBytes < largestAddedBytes, `${addedBytes}`);
  });

  it("holds dist and nothing else of the checkout", async () => {
    const script = 'console.log(fs.readdirSync("/").concat(fs.readdirSync("/app")).join(" "))';
    const files = await docker("run", "--rm", "--entrypoint", "node", built().name, "-e", script);
    assert.match(files, / cli\.js /);
    assert.doesNotMatch(files, /node_modules|src|\.git|package-lock/);
  });

  it("mirrors, on a file system that it cannot write to, and stops when it is told to", async () => {
    const data = ["--tmpfs", "/data:uid=1000"];
    const run = ["run", "--detach", ...locked, ...data, built().name, "run", ...demo];
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
}
