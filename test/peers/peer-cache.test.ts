import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { cached } from "./peer-cache.ts";
import { waitFor } from "./wait-for.ts";

const silent = (): void => undefined;

describe("the cache of built peers", () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "scb-cache-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const quick = (key: string, text: string) => ({
    key,
    title: key,
    build: async (folder: string) => writeFileSync(join(folder, "binary"), text),
  });

  it("builds once", async () => {
    const folder = await cached(quick("peer-1", "first"), silent, root);
    assert.equal(await cached(quick("peer-1", "second"), silent, root), folder);
    assert.equal(readFileSync(join(folder, "binary"), "utf8"), "first");
    assert.notEqual(await cached(quick("peer-2", "other version"), silent, root), folder);
  });

  it("takes no failed build for a finished one, and builds again", async () => {
    const failing = {
      ...quick("peer", ""),
      build: async (folder: string) => {
        writeFileSync(join(folder, "half"), "");
        throw new Error("no network");
      },
    };
    await assert.rejects(cached(failing, silent, root), /no network/);
    const folder = await cached(quick("peer", "whole"), silent, root);
    assert.deepEqual(readdirSync(folder), ["binary"]);
  });

  it("lets one of several processes build while the others wait", async () => {
    const builders = [builder(root), builder(root), builder(root)];
    await waitFor("a build", () => (existsSync(join(root, "started")) ? true : undefined), {
      timeoutMs: 20_000,
    });
    writeFileSync(join(root, "go"), "");
    for (const one of builders) await exited(one, 0);
    assert.equal(readFileSync(join(root, "started"), "utf8"), "x");
  });

  it("lets another build when the builder is killed", async () => {
    const killed = builder(root);
    await waitFor("a build", () => (existsSync(join(root, "started")) ? true : undefined), {
      timeoutMs: 20_000,
    });
    killed.kill("SIGKILL");
    await exited(killed, null);
    assert.equal(existsSync(join(root, "slow")), false);
    const folder = await cached(quick("slow", "by another"), silent, root);
    assert.deepEqual(readdirSync(folder), ["binary"]);
  });
});

/** Another process that asks for "slow": its build notes that it began, and waits for a sign. */
function builder(root: string): ChildProcess {
  const script = `
    import { appendFileSync, existsSync, writeFileSync } from "node:fs";
    import { setTimeout } from "node:timers/promises";
    import { cached } from ${JSON.stringify(import.meta.resolve("./peer-cache.ts"))};
    const root = ${JSON.stringify(root)};
    const build = async (folder) => {
      writeFileSync(folder + "/half", "");
      appendFileSync(root + "/started", "x");
      while (!existsSync(root + "/go")) await setTimeout(20);
    };
    await cached({ key: "slow", title: "slow", build }, () => undefined, root);
  `;
  const args = ["--input-type=module", "--eval", script];
  return spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
}

async function exited(child: ChildProcess, code: number | null): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.exitCode, code);
}
