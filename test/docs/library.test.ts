import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = await readFile(join(root, "docs/library.md"), "utf8");

/** A node that isn't lnd. It opens one channel, and keeps no process alive. */
const myNode = `
import { EventEmitter } from "node:events";
import type { ChannelWithAddrs } from "scb-mirror";
import { demoChannel } from "scb-mirror/testing";
export const myNode = new EventEmitter<{ opened: [ChannelWithAddrs]; resolved: [string] }>();
setTimeout(() => myNode.emit("opened", demoChannel()), 500);
`;

describe("docs/library.md", () => {
  it("its example compiles, in under 20 lines, and saves a backup", {
    timeout: 120_000,
  }, async () => {
    const example = /```ts\n(.*?)```/s.exec(page)?.[1] ?? "";
    assert.ok(example.trim().split("\n").length < 20);
    const folder = await mkdtemp(join(tmpdir(), "scb-library-"));
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
});
