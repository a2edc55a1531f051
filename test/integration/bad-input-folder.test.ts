import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { acknowledged } from "../support/acknowledged.ts";
import { sha256 } from "../support/bucket.ts";
import { type RunningCli, runCli, startRun } from "../support/cli.ts";
import { assertOneLine } from "../support/one-line.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { fillDisk, mountSmallDisk, type SmallDisk } from "../support/tmpfs.ts";

const diskSizeBytes = 512 * 1024;
const demo = ["--from", "demo", "--node", "demo"];

describe("what is wrong with the folder", () => {
  let folder: string;
  let disk: SmallDisk | null = null;
  let to: readonly string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-folder-"));
  });
  afterEach(async () => {
    await disk?.[Symbol.asyncDispose]();
    disk = null;
    await rm(folder, { recursive: true });
  });

  /** The disk of a test, or null after the test has been told to skip. */
  const withDisk = async (t: TestContext): Promise<SmallDisk | null> => {
    disk = await mountSmallDisk(diskSizeBytes);
    if (disk === null) {
      skipWithoutRoot(t);
      return null;
    }
    to = ["--to", `file://${disk.path}/backups/scb`];
    await mkdir(join(disk.path, "backups"));
    return disk;
  };
  const startDemo = (): RunningCli => startRun([...demo, "--demo-interval", "20ms", ...to]);
  const saved = (running: RunningCli, sequence: number) =>
    running.event((event) => event.event === "swapped" && Number(event["sequence"]) >= sequence);

  it("refuses a folder whose parent is missing, and makes neither", async () => {
    const missing = ["--to", `file://${folder}/not-mounted/scb`];
    for (const command of [["run"], ["run", "--once"], ["status"], ["list"], ["restore"]]) {
      const args = command[0] === "run" ? demo : ["--node", "demo"];
      const result = await runCli([...command, ...args, ...missing], { cwd: folder });
      assertOneLine(result, 1, [/not-mounted, the folder for \S+, is not there/, /mount its disk/]);
      assert.equal(result.stdout, "");
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it("refuses a disk that is read-only, and still reads from it", async (t) => {
    const mounted = await withDisk(t);
    if (mounted === null) return;
    {
      await using running = startDemo();
      await saved(running, 2);
      assert.equal(await running.end(), 0, running.stderr);
    }
    await mounted.setReadOnly();
    const held = await contentOf(mounted.path);
    // Its channels go on changing, so there is something to save.
    const ran = await runCli(["run", ...demo, "--demo-interval", "20ms", "--json", ...to]);
    assertOneLine(ran, 1, [/read-only: mount it for writing \(EROFS\)/]);
    assert.deepEqual(await contentOf(mounted.path), held);
    assert.equal((await runCli(["status", ...to])).code, 0);
    const output = join(folder, "restored.backup");
    assert.equal((await runCli(["restore", "-o", output, ...to])).code, 0);
    assert.ok(existsSync(output));
  });

  it("waits while the disk is full, visibly, and loses nothing", async (t) => {
    const mounted = await withDisk(t);
    if (mounted === null) return;
    await using running = startDemo();
    await saved(running, 3);
    const filler = join(mounted.path, "filler");
    await fillDisk(filler);
    const { message, code } = await running.event("retrying");
    assert.equal(code, "store-busy");
    assert.match(String(message), /disk is full: free some space/);

    const untilFull = acknowledged(running.events);
    const status = await runCli(["status", "--json", ...to]);
    assert.equal(status.code, 0, status.stdout);
    assert.ok(JSON.parse(status.stdout).latest.sequence >= untilFull.length);
    await delay(1_500);
    const retries = running.events.filter(({ event }) => event === "retrying").length;
    assert.ok(retries < 40, `${retries} tries are no backoff`);
    const other = ["--from", "demo", "--node", "other", "--once", "--timeout", "3s"];
    const once = await runCli(["run", "--json", ...other, ...to]);
    assertOneLine(once, 1, [/disk is full: free some space/, /--timeout is 3 s/]);

    await rm(filler);
    await running.event("recovered");
    const seen = running.events.length;
    await running.event("swapped", { after: seen });
    assert.equal(await running.end(), 0, running.stderr);
    for (const { key, sha256: expected } of acknowledged(running.events)) {
      const bytes: Buffer = await readFile(join(mounted.path, "backups/scb/demo", key));
      assert.equal(sha256(bytes), expected, key);
    }
    assert.equal((await runCli(["status", ...to])).code, 0);
  });

  it("stops when the disk is gone, and writes nothing in its place", async (t) => {
    const mounted = await withDisk(t);
    if (mounted === null) return;
    await using running = startDemo();
    await saved(running, 2);
    await mounted.unmount();
    assert.equal(await running.exit(), 1);
    const line = running.stderr.trimEnd().split("\n").at(-1) ?? "";
    assert.match(line, /^scb-mirror: .*is the disk still mounted\?/);
    assert.deepEqual(await readdir(mounted.path), []);
  });
});

/** Every file and what is in it. */
async function contentOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const lines = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return `${path} ${sha256(await readFile(path))}`;
  });
  return (await Promise.all(lines)).sort();
}
