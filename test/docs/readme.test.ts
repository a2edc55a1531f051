import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runCli } from "../support/cli.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = await readFile(join(root, "README.md"), "utf8");

/** A node that isn't lnd. It opens one channel, and keeps no process alive. */
const myNode = `
import { EventEmitter } from "node:events";
import type { ChannelWithAddrs } from "scb-mirror";
import { demoChannel } from "scb-mirror/testing";
export const myNode = new EventEmitter<{ opened: [ChannelWithAddrs]; resolved: [string] }>();
setTimeout(() => myNode.emit("opened", demoChannel()), 500);
`;

describe("the README", () => {
  it("its library example compiles, in under 20 lines, and saves a backup", {
    timeout: 120_000,
  }, async () => {
    const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
    assert.ok(example.trim().split("\n").length < 20);
    const folder = await mkdtemp(join(tmpdir(), "scb-readme-"));
    try {
      const store = join(folder, "store");
      const text = example.replace("file:///tmp/scb-example", pathToFileURL(store).href);
      assert.notEqual(text, example);
      await mkdir(join(folder, "node_modules"));
      await symlink(join(root, "dist"), join(folder, "node_modules", "scb-mirror"));
      await writeFile(join(folder, "package.json"), '{"type":"module"}');
      await writeFile(join(folder, "my-node.ts"), myNode);
      await writeFile(join(folder, "example.ts"), text);
      await writeFile(join(folder, "backup.bin"), Buffer.alloc(32, 1));

      const tsc = spawnSync(
        join(root, "node_modules/.bin/tsc"),
        [
          ...["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"],
          ...["--module", "nodenext", "--target", "es2024", "--types", "node"],
          ...["--typeRoots", join(root, "node_modules/@types"), "example.ts"],
        ],
        { cwd: folder, encoding: "utf8" },
      );
      assert.equal(tsc.status, 0, tsc.stdout);

      const child = spawn(process.execPath, ["example.ts"], { cwd: folder });
      let [stdout, stderr] = ["", ""];
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      for await (const chunk of child.stdout) {
        stdout += String(chunk);
        if (stdout.split("\n").filter((line) => line === "swapped").length >= 2) break;
      }
      child.kill();
      // Once everything is closed, nothing is left that would keep the process.
      const [code] = (await once(child, "exit", { signal: AbortSignal.timeout(10_000) })) as [
        unknown,
      ];
      assert.equal(code, 0, stderr);
      assert.equal((await readdir(join(store, "me"))).includes("latest.json"), true, stderr);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("names only flags and commands that there are", async () => {
    const overview = (await runCli(["--help"])).stdout;
    const commands = [...overview.matchAll(/^ {2}(?!help)([a-z]+) .*$/gm)].flatMap(
      ([, name]) => name ?? [],
    );
    const help = await Promise.all(commands.map((command) => runCli([command, "--help"])));
    const known = help.map(({ stdout }) => stdout).join("\n");
    // Flags of others that the text shows.
    const foreign = new Set(["--save_to", "--multi_file"]);
    const flags = new Set([...readme.matchAll(/(?<![\w-])--[a-z][a-z_-]+/g)].map(([flag]) => flag));
    assert.ok(flags.size > 15);
    for (const flag of flags) {
      assert.ok(
        foreign.has(flag) || known.includes(`${flag} `) || known.includes(`${flag}\n`),
        flag,
      );
    }
    for (const [, command] of readme.matchAll(/^ *scb-mirror ([a-z]+) .*--/gm)) {
      assert.ok(commands.includes(command ?? ""), command);
    }
  });
});
