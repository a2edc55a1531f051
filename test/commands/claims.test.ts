import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type CliEvent, runCli, startRun } from "../support/cli.ts";
import { packedBytes } from "../support/mirror-fixture.ts";

const backupKey = "ab".repeat(32);

/** A folder with a mirror's settings in it: a watched file, a key that opens it, and a store. */
class Ground {
  readonly file: string;
  readonly key: string;
  readonly root: string;
  readonly args: readonly string[];

  constructor(folder: string) {
    this.file = join(folder, "channel.backup");
    this.key = join(folder, "backup.key");
    this.root = join(folder, "store");
    const to = pathToFileURL(this.root).href;
    this.args = ["--from", `file:${this.file}`, "--node", "alice", "--to", to];
  }

  async write(): Promise<void> {
    const encrypter = backupKeyEncrypter(Buffer.from(backupKey, "hex"), systemRandom);
    await writeFile(this.file, packMulti({ version: 0, staticBackups: [] }, encrypter));
    await writeFile(this.key, backupKey, { mode: 0o600 });
  }

  async current() {
    const path = join(this.root, "alice", "latest.json");
    const pointer = JSON.parse(await readFile(path, "utf8"));
    return { path, pointer, version: join(this.root, "alice", pointer.version.key) };
  }

  async once(...more: readonly string[]): Promise<string[]> {
    const { code, stdout, stderr } = await runCli([
      "run",
      "--once",
      "--json",
      ...this.args,
      ...more,
    ]);
    assert.equal(code, 0, stderr);
    const events: CliEvent[] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return events.map(({ event }) => event);
  }
}

describe("what a run says", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-claims-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const newGround = async (): Promise<Ground> => {
    const ground = new Ground(await mkdtemp(join(folder, "ground-")));
    await ground.write();
    assert.ok((await ground.once()).includes("swapped"));
    assert.ok((await ground.once()).includes("unchanged"));
    return ground;
  };

  const wrongs: readonly [string, (ground: Ground) => Promise<void>, (readonly string[])?][] = [
    ["is deleted", async (ground) => rm((await ground.current()).version)],
    [
      "is overwritten with other bytes of its size",
      async (ground) => {
        const { pointer, version } = await ground.current();
        await writeFile(version, packedBytes(pointer.version.size));
      },
    ],
    [
      "is overwritten, and the pointer's hash adjusted, and the key doesn't open it",
      async (ground) => {
        const { path, pointer, version } = await ground.current();
        const forged = packedBytes(pointer.version.size);
        await writeFile(version, forged);
        pointer.version.sha256 = sha256Hex(forged);
        await writeFile(path, JSON.stringify(pointer));
      },
      ["--key-file"],
    ],
  ];
  for (const [name, wrong, flags = []] of wrongs) {
    it(`isn't "unchanged" if the version ${name}: it is saved anew`, async () => {
      const ground = await newGround();
      // A version before it opens, so the folder is known to be this node's.
      await rm(ground.file);
      await ground.write();
      const more = flags.length === 0 ? [] : ["--key-file", ground.key];
      await ground.once(...more);
      await wrong(ground);
      const events = await ground.once(...more);
      assert.ok(events.includes("lost"), events.join());
      assert.ok(events.includes("swapped"), events.join());
      const status = await runCli(["status", ...ground.args, ...more, "--json"]);
      assert.equal(status.code, 0, status.stdout);
    });
  }

  it("is an alarm if the whole folder goes back under it, before it saves on top", async () => {
    const ground = await newGround();
    const node = join(ground.root, "alice");
    await cp(node, `${node}-before`, { recursive: true });
    await using run = startRun([...ground.args, "--look-interval", "1s"]);
    await run.event("started");
    await ground.write();
    const { sequence } = await run.event("swapped");
    assert.equal(sequence, 2);
    await run.event(({ event, verdict }) => event === "verdict" && verdict === "safe");
    const seen = run.events.length;
    await rm(node, { recursive: true });
    await cp(`${node}-before`, node, { recursive: true });
    const lost = await run.event("lost", { after: seen });
    assert.equal(lost["code"], "went-back");
    const unsafe = await run.event("verdict", { after: seen });
    assert.equal(unsafe["verdict"], "unsafe");
    const again = await run.event("swapped", { after: seen });
    assert.ok(run.events.indexOf(lost) < run.events.indexOf(again));
    await run.event(({ event, verdict }) => event === "verdict" && verdict === "safe", {
      after: run.events.indexOf(again),
    });
    assert.equal(await run.end(), 0);
  });

  it('isn\'t "saved" at the end if the store lost it meanwhile', async () => {
    const ground = await newGround();
    await using run = startRun(ground.args);
    await run.event(({ event }) => event === "unchanged" || event === "swapped");
    await rm((await ground.current()).version);
    const seen = run.events.length;
    assert.equal(await run.end(), 0);
    // What the stop found gone it saved anew before it said that everything is saved.
    const kinds = run.events.slice(seen).map(({ event }) => event);
    assert.ok(kinds.includes("lost") && kinds.includes("swapped"), kinds.join());
    assert.equal(run.events.at(-1)?.event, "stopped");
    const { version } = await ground.current();
    assert.ok((await readdir(join(ground.root, "alice", "versions"))).length > 0);
    assert.ok((await readFile(version)).length > 0);
  });
});

describe("status with a watched file", () => {
  it("is not healthy if the file isn't what the store holds", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-claims-file-"));
    try {
      const ground = new Ground(folder);
      await ground.write();
      await ground.once();
      const healthy = await runCli(["status", ...ground.args]);
      assert.equal(healthy.code, 0, healthy.stdout + healthy.stderr);
      await writeFile(ground.file, packedBytes());
      const behind = await runCli(["status", ...ground.args, "--json"]);
      assert.equal(behind.code, 3);
      assert.match(behind.stdout, /"file-not-saved"/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
