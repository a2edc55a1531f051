import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { goOn } from "../recovery/copy-world.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { mountSmallDisk } from "../support/tmpfs.ts";

describe("copy, as a user meets it", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-copy-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const copy = (from: string, to: string, ...more: readonly string[]): Promise<CliResult> =>
    runCli(["copy", "--from-store", from, "--to", to, ...more]);

  /** A new folder, and what is done with the node alice's part of it. */
  async function newStore(commits = 0) {
    const path = await mkdtemp(join(folder, "store-"));
    const url = pathToFileURL(path).href;
    const more = async (count: number): Promise<void> => {
      const root = await openStore(url, { logger: silentLogger });
      await goOn(prefixedStore(root, "alice"), count);
      await root.close();
    };
    await more(commits);
    const node = join(path, "alice");
    const versions = async (): Promise<string[]> =>
      (await readdir(join(node, "versions"))).filter((name) => !name.startsWith(".")).sort();
    return { path, url, node, more, versions };
  }

  it("plans, copies with --apply, catches up, and leaves a healthy store", async () => {
    const [from, to] = [await newStore(5), await newStore()];
    const plan = await copy(from.url, to.url);
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, /^alice: 5 of 5 versions would be copied \(3\.5 kB\)$/m);
    assert.match(plan.stdout, /Nothing was changed\. To copy, run the same command with --apply/);
    assert.deepEqual(await readdir(to.path), []);
    const applied = await copy(from.url, to.url, "--apply");
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /^alice: 5 of 5 versions copied/m);
    assert.match(applied.stdout, /The pointer there now names sequence 5/);
    assert.equal(applied.stderr, "");
    await from.more(2);
    const again = await copy(from.url, to.url, "--apply");
    assert.match(again.stdout, /2 of 7 versions copied .*, 5 already there, byte for byte/);
    assert.match((await copy(from.url, to.url)).stdout, /nothing is missing there/);
    assert.deepEqual(await to.versions(), await from.versions());
    assert.equal((await runCli(["verify", "--to", to.url])).code, 0);
    assert.equal((await runCli(["status", "--to", to.url, "--max-age", "9000d"])).code, 0);
  });

  it("gives one JSON document", async () => {
    const [from, to] = [await newStore(3), await newStore()];
    const [name = ""] = await from.versions();
    const versions = { damaged: 0, missing: 0, differing: 0, unproven: 0 };
    const shared = {
      from: from.url,
      to: to.url,
      node: "alice",
      records: { copied: 0, present: 0 },
      problems: [],
      movedOnTo: null,
    };
    const key = `versions/${(await from.versions()).at(-1)}`;
    const pointer = { sequence: 3, key, reason: null };
    assert.deepEqual((await copy(from.url, to.url, "--json")).json(), {
      ...shared,
      applied: false,
      versions: { total: 3, copied: 3, present: 0, ...versions },
      bytes: 2100,
      pointer: { state: "planned", ...pointer },
    });
    assert.deepEqual((await copy(from.url, to.url, "--json", "--apply")).json(), {
      ...shared,
      applied: true,
      versions: { total: 3, copied: 3, present: 0, ...versions },
      bytes: 2100,
      pointer: { state: "placed", ...pointer },
    });
    await writeFile(join(from.node, "versions", name), packedBytes());
    const damaged = await copy(from.url, to.url, "--json", "--apply");
    assert.equal(damaged.code, 3);
    assert.deepEqual(damaged.json(), {
      ...shared,
      applied: true,
      versions: { total: 3, copied: 0, present: 2, ...versions, damaged: 1 },
      bytes: 0,
      pointer: { state: "level", ...pointer },
      problems: [
        {
          key: `versions/${name}`,
          code: "damaged",
          message:
            "at the source, its bytes aren't the ones that were saved; the target's copy is intact",
        },
      ],
    });
  });

  it("names a version that differs, keeps it, and ends with 3", async () => {
    const [from, to] = [await newStore(3), await newStore()];
    await copy(from.url, to.url, "--apply");
    const [name = ""] = await to.versions();
    const path = join(to.node, "versions", name);
    const meddled = packedBytes();
    await writeFile(path, meddled);
    const found = await copy(from.url, to.url, "--apply");
    assert.equal(found.code, 3);
    assert.match(found.stdout, new RegExp(`differs: versions/${name}: the target has other bytes`));
    assert.deepEqual(await readFile(path), Buffer.from(meddled));
  });

  it("refuses another history with 4, and one line", async () => {
    const [from, to] = [await newStore(3), await newStore(2)];
    const before = await to.versions();
    for (const more of [[], ["--apply"]]) {
      const refused = await copy(from.url, to.url, ...more);
      assert.equal(refused.code, 4);
      assert.equal(refused.stdout, "");
      assert.match(refused.stderr, /^scb-mirror: nothing was copied from .*\n$/);
    }
    assert.deepEqual(await to.versions(), before);
  });

  it("brings an older history to nobody who has gone on", async () => {
    const [from, to] = [await newStore(3), await newStore()];
    await copy(from.url, to.url, "--apply");
    await to.more(2);
    const refused = await copy(from.url, to.url, "--apply");
    assert.equal(refused.code, 4);
    const back = await copy(to.url, from.url, "--apply");
    assert.equal(back.code, 0, back.stderr);
    assert.deepEqual(await from.versions(), await to.versions());
  });

  it("finds the same place by whatever name", async () => {
    const { url, path, versions } = await newStore(2);
    const before = await versions();
    const link = join(folder, "link");
    await symlink(path, link);
    for (const [to, ...more] of [
      [url],
      [url, "--apply"],
      [`${url}/`],
      [pathToFileURL(link).href, "--apply"],
    ] as const) {
      const wrong = await copy(url, to, ...more);
      assert.equal(wrong.code, 2, wrong.stdout);
      assert.match(wrong.stderr, /^scb-mirror: .* are the same place.*--from-store and --to\n$/);
    }
    assert.deepEqual(await versions(), before);
    assert.deepEqual((await readdir(join(path, "alice"))).sort(), [
      "latest.json",
      "origin.json",
      "versions",
    ]);
  });

  it("chooses the only node of the source, and asks where there are several", async () => {
    const [from, to] = [await newStore(1), await newStore()];
    await mkdir(join(from.path, "bob"));
    const root = await openStore(from.url, { logger: silentLogger });
    await goOn(prefixedStore(root, "bob"), 1);
    await root.close();
    const asked = await copy(from.url, to.url);
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /choose one with --node \(alice, bob\)/);
    assert.equal((await copy(from.url, to.url, "--node", "bob", "--apply")).code, 0);
    assert.deepEqual(await readdir(to.path), ["bob"]);
  });

  it("asks no node, though the mirror's settings name one", async () => {
    const [from, to] = [await newStore(1), await newStore()];
    const env = {
      SCB_MIRROR_FROM: "lnd",
      SCB_MIRROR_LNDDIR: join(folder, "no-lnd"),
      SCB_MIRROR_FROM_STORE: from.url,
      SCB_MIRROR_TO: to.url,
      SCB_MIRROR_REQUIRE: "2",
    };
    const { code, stderr } = await runCli(["copy", "--apply"], { env });
    assert.equal(code, 0, stderr);
  });

  const wrong: readonly [string, readonly string[], RegExp, number][] = [
    ["no store at all", [], /give --from-store/, 2],
    ["no store to copy from", ["--to", "file:///tmp/x"], /give --from-store/, 2],
    ["no store to copy to", ["--from-store", "file:///tmp/x"], /give --to/, 2],
    [
      "two stores to copy to",
      ["--from-store", "file:///tmp/x", "--to", "file:///tmp/y", "--to", "file:///tmp/z"],
      /to one store at a time: give --to once/,
      2,
    ],
    [
      "a source of an unknown kind",
      ["--from-store", "ftp://x", "--to", "file:///tmp/x"],
      /--from-store: write a store as/,
      2,
    ],
    [
      "a target of an unknown kind",
      ["--from-store", "file:///tmp/x", "--to", "/tmp/x"],
      /--to: write a store as/,
      2,
    ],
    [
      "a source that is not there",
      ["--from-store", "file:///nonexistent/a/b", "--to", "file:///tmp/x"],
      /\/nonexistent\/a/,
      1,
    ],
    [
      "nobody who answers",
      [
        ...["--from-store", "s3://bucket?endpoint=http://127.0.0.1:9&region=x"],
        ...["--to", "file:///tmp/x", "--node", "alice"],
      ],
      /nothing listens there/,
      1,
    ],
  ];
  for (const [name, args, message, expected] of wrong) {
    it(`${name} is one line on stderr and exit code ${expected}`, async () => {
      const env = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y" };
      const { code, stdout, stderr } = await runCli(["copy", ...args], { env });
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(stdout, "");
      assert.equal(code, expected);
    });
  }

  it("on a disk that is full it says so, keeps what is whole, and goes on when there is room", async (t) => {
    await using small = await mountSmallDisk(128 * 1024);
    if (small === null) return skipWithoutRoot(t);
    const [from, roomy] = [await newStore(40), await newStore()];
    const to = pathToFileURL(join(small.path, "scb", "store")).href;
    await mkdir(join(small.path, "scb"));
    const full = await copy(from.url, to, "--apply");
    assert.equal(full.code, 1, full.stdout);
    assert.match(
      full.stderr,
      /disk is full.*of 40 versions are in the target.*run the same command again to continue/,
    );
    assert.equal(full.stdout, "");
    const node = join(small.path, "scb", "store", "alice");
    assert.ok(!(await readdir(node)).includes("latest.json"));
    for (const name of await readdir(join(node, "versions"))) {
      if (name.startsWith(".")) continue;
      assert.deepEqual(
        await readFile(join(node, "versions", name)),
        await readFile(join(from.node, "versions", name)),
      );
    }
    assert.equal((await copy(from.url, roomy.url, "--apply")).code, 0);
  });
});
