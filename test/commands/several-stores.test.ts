import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import type { StateSwapper } from "../../src/mirror/state-swapper.ts";
import { makeDemoPeer, openDemoChannel } from "../../src/node/demo-channel.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { swapNaming } from "../support/also-restore.ts";
import { runCli } from "../support/cli.ts";
import { makeSwapper, swapOnce } from "../support/mirror-fixture.ts";
import { assertOneLine } from "../support/one-line.ts";

const secret = "ab".repeat(32);
const encrypter = backupKeyEncrypter(Buffer.from(secret, "hex"), systemRandom);

const finding = z.object({ code: z.string(), level: z.string(), store: z.string() });
const statusSchema = z.object({
  node: z.string(),
  healthy: z.boolean(),
  verdict: z.string(),
  latest: z.object({ sequence: z.number(), sha256: z.string() }).nullable(),
  ageSeconds: z.number().nullable(),
  findings: z.array(finding),
  stores: z.array(
    z.object({
      store: z.string(),
      healthy: z.boolean(),
      latest: z.object({ sequence: z.number() }).nullable(),
      ageSeconds: z.number().nullable(),
      problems: z.array(z.object({ code: z.string(), message: z.string() })),
    }),
  ),
});
const restoreSchema = z.object({
  store: z.string(),
  stores: z.array(z.object({ store: z.string(), holds: z.string() })),
  sha256: z.string(),
  newest: z.boolean(),
  offered: z.object({ store: z.string(), next: z.string() }).nullable(),
  also: z.array(z.object({ file: z.string().nullable(), error: z.string().nullable() })),
});

const someSingle = () =>
  newSingle(openDemoChannel(makeDemoPeer(systemRandom), 500_000, systemRandom));
const someState = () => packMulti({ version: 0, staticBackups: [someSingle()] }, encrypter);

interface Placed {
  readonly url: string;
}

/** A bucket of a service that nobody runs. */
const gone: Placed = { url: "s3://gone?endpoint=http://127.0.0.1:1" };
const env = { AWS_ACCESS_KEY_ID: "KEY", AWS_SECRET_ACCESS_KEY: "hushhush" };

/** A store in a folder, with the node `alice` in it. */
class Disk {
  readonly root: string;
  readonly url: string;
  readonly swapper: StateSwapper;

  constructor(root: string, node = "alice", hoursAgo = 0) {
    this.root = root;
    this.url = pathToFileURL(root).href;
    const clock = { ...systemClock, now: () => Date.now() - hoursAgo * 3_600_000 };
    const store = prefixedStore(new FileStore({ root, logger: silentLogger }), node);
    this.swapper = makeSwapper(store, {
      clock,
      guards: [],
      writer: `scb-mirror/1 host${hoursAgo} 1`,
    });
  }

  async save(packed: Uint8Array): Promise<{ readonly key: string; readonly sha256: string }> {
    return swapOnce(this.swapper, packed);
  }

  /** Keys, oldest first. */
  async versions(): Promise<string[]> {
    const names = await readdir(join(this.root, "alice", "versions"));
    return names
      .filter((name) => name.endsWith(".backup"))
      .sort()
      .map((name) => `versions/${name}`);
  }

  /** Overwrites a version, by default the current one, with other bytes of the same size. */
  async damage(key?: string): Promise<void> {
    const pointer = JSON.parse(await readFile(join(this.root, "alice", "latest.json"), "utf8"));
    const path = join(this.root, "alice", key ?? pointer.version.key);
    const { length } = await readFile(path);
    await writeFile(path, systemRandom.bytes(length));
  }
}

describe("several stores", () => {
  let folder: string;
  let keyFile: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-stores-"));
    keyFile = join(folder, "key");
    await writeFile(keyFile, secret, { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Disks of one node: each holds `older` states, of an hour ago, and then the newest, or not. */
  async function world(...holdNewest: readonly boolean[]) {
    const path = await mkdtemp(join(folder, "world-"));
    const [older, newest] = [someState(), someState()];
    const disks: Disk[] = [];
    for (const [index, holds] of holdNewest.entries()) {
      const root = join(path, `disk${index}`);
      await mkdir(root);
      await new Disk(root, "alice", 1).save(older);
      const disk = new Disk(root);
      if (holds) await disk.save(newest);
      disks.push(disk);
    }
    return { path, older, newest, disks };
  }

  const toAll = (disks: readonly Placed[]): string[] => disks.flatMap(({ url }) => ["--to", url]);
  const status = async (disks: readonly Placed[], ...args: readonly string[]) => {
    const done = await runCli(["status", "--json", ...toAll(disks), ...args], { env });
    return { ...done, report: statusSchema.parse(done.json()) };
  };
  const codesOf = ({ findings }: z.infer<typeof statusSchema>): string[] =>
    findings.map(({ code, level, store }) => `${code} ${level} ${store.at(-1)}`);

  describe("status", () => {
    it("judges each and all together, in whatever order they are given", async () => {
      const { disks } = await world(true, true, false);
      for (const given of [disks, disks.toReversed()]) {
        const all = await status(given);
        assert.equal(all.code, 3);
        assert.deepEqual(codesOf(all.report), ["store-behind problem 2"]);
        assert.equal(all.report.latest?.sequence, 2);
        const some = await status(given, "--require", "2");
        assert.equal(some.code, 0, some.stdout);
        assert.deepEqual(codesOf(some.report), ["store-behind warning 2"]);
        assert.deepEqual(
          some.report.stores.map(({ store, healthy, latest }) => [
            store,
            healthy,
            latest?.sequence,
          ]),
          given.map((disk) => [disk.url, disk !== disks[2], disk === disks[2] ? 1 : 2]),
        );
      }
    });

    it("has the stores and each finding's store also of only one", async () => {
      const { disks } = await world(true);
      const { code, report } = await status(disks);
      assert.equal(code, 0);
      assert.deepEqual(
        report.stores.map(({ store }) => store),
        disks.map(({ url }) => url),
      );
    });

    it("is a warning about a store that is gone, if --require does without it", async () => {
      const { disks } = await world(true);
      const all = await status([gone, ...disks]);
      assert.equal(all.code, 3);
      assert.equal(all.report.verdict, "unknown");
      assert.deepEqual(codesOf(all.report), ["store-unread unknown 1"]);
      assert.equal((await status([...disks, gone], "--require", "1")).code, 0);
      const text = await runCli(["status", ...toAll([...disks, gone]), "--require", "1"], { env });
      assert.match(text.stdout, /alice: healthy\n.*s3:.*gone.*: .*\n/);
    });

    it("fails with each store's own words if all are gone", async () => {
      const stores = [gone, { url: gone.url.replace("gone", "too") }];
      const done = await runCli(["status", ...toAll(stores), "--node", "alice"], { env });
      assertOneLine(done, 1, [/none of the 2 stores .*s3:\/\/gone.*: .*s3:\/\/too/]);
    });

    it("is right about the honest ones beside one that returns other bytes", async () => {
      const { disks } = await world(true, true, true);
      await disks[2]?.damage();
      const { code, report } = await status(disks, "--require", "2");
      assert.equal(code, 0);
      assert.deepEqual(codesOf(report), ["version-damaged warning 2"]);
      assert.equal((await status(disks)).report.verdict, "unsafe");
    });

    it("is unsafe whatever is required, if all that are right are behind another one", async () => {
      const { disks } = await world(false, false, true);
      await disks[2]?.damage();
      const { code, report } = await status(disks, "--require", "1");
      assert.equal(code, 3);
      assert.equal(report.verdict, "unsafe");
      assert.ok(codesOf(report).includes("store-ahead problem 2"));
    });

    it("tells of one pointer in two places", async () => {
      const { disks, path } = await world(true);
      const link = new Disk(join(path, "link"));
      await symlink(disks[0]?.root ?? "", link.root);
      const { report } = await status([...disks, link]);
      assert.deepEqual(codesOf(report), ["same-store warning 0", "same-store warning k"]);
    });

    it("finds another node's store", async () => {
      const [ours, theirs] = [`02${"ab".repeat(32)}`, `03${"cd".repeat(32)}`];
      const path = await mkdtemp(join(folder, "nodes-"));
      const disks: Disk[] = [];
      for (const [index, pubkey] of [ours, theirs].entries()) {
        const root = join(path, `disk${index}`);
        await mkdir(root);
        const store = prefixedStore(new FileStore({ root, logger: silentLogger }), ours);
        const node = { pubkey, network: null };
        await swapOnce(makeSwapper(store, { node, guards: [], clock: systemClock }), someState());
        disks.push(new Disk(root));
      }
      const { report } = await status(disks, "--require", "1");
      assert.deepEqual(codesOf(report), ["wrong-node warning 1"]);
    });
  });

  describe("which node", () => {
    it("has to be said if the stores hold different ones, or one of them two", async () => {
      const { disks, path } = await world(true, true);
      await new Disk(disks[1]?.root ?? "", "bob").save(someState());
      const done = await runCli(["list", ...toAll(disks)]);
      assertOneLine(done, 2, [
        /2 nodes: choose one with --node \(alice in .*disk0, .*disk1; bob in .*disk1\)/,
      ]);
      const other = new Disk(join(path, "other"), "carol");
      await mkdir(other.root);
      await other.save(someState());
      const [first] = disks;
      assert.ok(first !== undefined);
      assertOneLine(await runCli(["status", ...toAll([first, other])]), 2, [/carol in .*other/]);
    });

    it("is the same one in a store that is still empty", async () => {
      const { disks, path } = await world(true);
      const empty = new Disk(join(path, "empty"));
      await mkdir(empty.root);
      const { report } = await status([...disks, empty]);
      assert.equal(report.node, "alice");
      assert.deepEqual(codesOf(report), ["no-backup problem y"]);
    });
  });

  describe("restore", () => {
    const restore = (disks: readonly Placed[], ...args: readonly string[]) =>
      runCli(["restore", "--json", ...toAll(disks), "--force", ...args], { env });

    it("takes the newest version from whichever store has it whole, and says whose it is", async () => {
      const { disks, newest, path } = await world(true, true, false);
      await disks[0]?.damage();
      const out = join(path, "out");
      for (const given of [
        [gone, ...disks],
        [...disks.toReversed(), gone],
      ]) {
        const done = await restore(given, "-o", out, "--node", "alice", "--key-file", keyFile);
        assert.equal(done.code, 0, done.stderr);
        assert.ok((await readFile(out)).equals(newest));
        const fact = restoreSchema.parse(done.json());
        assert.equal(fact.store, disks[1]?.url);
        // What the lost one holds nobody knows.
        assert.equal(fact.newest, false);
        const held = Object.fromEntries(fact.stores.map(({ store, holds }) => [store, holds]));
        const [damaged, whole, behind] = disks;
        assert.deepEqual(held, {
          [gone.url]: "unread",
          [damaged?.url ?? ""]: "same",
          [whole?.url ?? ""]: "same",
          [behind?.url ?? ""]: "older",
        });
      }
      const text = await runCli(["restore", ...toAll(disks), "--force", "-o", out]);
      assert.match(
        text.stdout,
        /it is the newest version\n.*it is from file:.*disk1\n.*disk2 holds an older state/s,
      );
    });

    it("offers an older one if none has the newest whole, and takes none by itself", async () => {
      const { disks, older, path } = await world(true, false);
      await disks[0]?.damage();
      const [first = ""] = (await disks[0]?.versions()) ?? [];
      await rm(join(disks[0]?.root ?? "", "alice", first));
      const out = join(path, "out");
      const done = await restore(disks, "-o", out);
      assertOneLine(done, 1, [
        /newest intact version in .*disk1 is sequence 1.*scb-mirror restore 1 --to file:.*disk1/,
      ]);
      const [, line = ""] = /scb-mirror (restore 1 --to \S+)/.exec(done.stderr) ?? [];
      assert.equal((await runCli([...line.split(" "), "-o", out])).code, 0);
      assert.ok((await readFile(out)).equals(older));
    });

    it("offers what a store with a lost pointer holds beyond the others", async () => {
      const { disks, path } = await world(false, true);
      await rm(join(disks[1]?.root ?? "", "alice", "latest.json"));
      const done = await restore(disks, "-o", join(path, "out"));
      assert.equal(done.code, 0, done.stderr);
      const fact = restoreSchema.parse(done.json());
      assert.equal(fact.store, disks[0]?.url);
      assert.equal(fact.newest, false);
      assert.equal(fact.offered?.store, disks[1]?.url);
    });

    it("wants one store named for a sequence that means different bytes", async () => {
      const { disks, path, older } = await world(true, true);
      const [a, b] = disks;
      assert.ok(a !== undefined && b !== undefined);
      await a.save(someState());
      await b.save(someState());
      const out = join(path, "out");
      assertOneLine(await restore(disks, "3", "-o", out), 2, [
        /3 is a different version in each of .*choose one store with --to/,
      ]);
      assert.equal((await restore([a], "3", "-o", out)).code, 0);
      // The same bytes are no question, and one that is whole will do.
      await a.damage((await a.versions())[0]);
      const done = await restore(disks, "1", "-o", out);
      assert.equal(done.code, 0, done.stderr);
      assert.ok((await readFile(out)).equals(older));
      assert.equal(restoreSchema.parse(done.json()).store, b.url);
    });

    it("takes what was current in any of them at a moment", async () => {
      const { disks, older, newest, path } = await world(false, true);
      const out = join(path, "out");
      // Versions are as old as the store says at most, so these are of now.
      const done = await restore(disks, "--at", new Date().toISOString(), "-o", out);
      assert.equal(done.code, 0, done.stderr);
      assert.ok((await readFile(out)).equals(newest));
      assert.equal((await restore(disks, "--at", "30m", "-o", out)).code, 0);
      assert.ok((await readFile(out)).equals(older));
    });

    it("leaves its note in the store that the version is from", async () => {
      const { disks, path } = await world(false, true);
      assert.equal((await restore(disks, "-o", join(path, "out"))).code, 0);
      const noted = await Promise.all(
        disks.map(async ({ root }) => (await readdir(join(root, "alice"))).includes("restores")),
      );
      assert.deepEqual(noted, [false, true]);
    });

    it("takes what is needed besides from another store, by its hash", async () => {
      const path = await mkdtemp(join(folder, "also-"));
      const closed = someSingle();
      const [first, last] = [
        packMulti({ version: 0, staticBackups: [closed] }, encrypter),
        someState(),
      ];
      const disks: Disk[] = [];
      for (const [index, before] of [0, 3].entries()) {
        const disk = new Disk(join(path, `disk${index}`));
        await mkdir(disk.root);
        for (let more = 0; more < before; more += 1) await disk.save(someState());
        const { key, sha256 } = await disk.save(first);
        const channelPoints = [formatOutPoint(closed.fundingOutpoint)];
        await swapNaming(disk.swapper, [{ key, sha256, channelPoints }], last);
        disks.push(disk);
      }
      const { key = "" } = (await disks[1]?.swapper.base())?.held?.alsoRestore[0] ?? {};
      await disks[1]?.damage(key);
      await disks[0]?.damage();
      const out = join(path, "out.backup");
      const done = await restore(disks, "-o", out, "--key-file", keyFile);
      assert.equal(done.code, 0, done.stderr + done.stdout);
      const { store, also } = restoreSchema.parse(done.json());
      assert.equal(store, disks[1]?.url);
      assert.deepEqual(
        also.map(({ error }) => error),
        [null],
      );
      assert.ok((await readFile(join(path, "out.also-1.backup"))).equals(first));
    });
  });

  describe("the other commands", () => {
    it("list, verify and drill tell of each", async () => {
      const { disks } = await world(true, true);
      const list = (await runCli(["list", "--json", ...toAll(disks)])).json();
      const { versions, total } = z
        .object({ total: z.number(), versions: z.array(z.object({ store: z.string() })) })
        .parse(list);
      assert.equal(total, 4);
      assert.deepEqual(
        new Set(versions.map(({ store }) => store)),
        new Set(disks.map(({ url }) => url)),
      );
      await disks[1]?.damage();
      const each = z.object({
        ok: z.boolean(),
        verdict: z.string(),
        stores: z.array(z.object({ store: z.string(), ok: z.boolean() })),
      });
      for (const command of ["verify", "drill"]) {
        const args = [command, "--json", ...toAll(disks), "--key-file", keyFile];
        const all = await runCli(args);
        assert.equal(all.code, 3, command);
        const report = each.parse(all.json());
        assert.deepEqual([report.ok, ...report.stores.map(({ ok }) => ok)], [false, true, false]);
        assert.equal((await runCli([...args, "--require", "1"])).code, 0, command);
      }
    });

    it("one that fails doesn't keep the others from being done, and the exit code is the worst", async () => {
      const { disks } = await world(true, true);
      const [good, bad] = disks;
      assert.ok(good !== undefined && bad !== undefined);
      await rm(join(bad.root, "alice", "latest.json"));
      const pruned = await runCli(["prune", "--keep-last", "1", "--json", ...toAll(disks)]);
      assert.equal(pruned.code, 4);
      const repaired = await runCli([
        "repair",
        "--apply",
        "--json",
        ...toAll(disks),
        "--key-file",
        keyFile,
      ]);
      assert.equal(repaired.code, 0, repaired.stdout);
      const { stores } = z
        .object({
          stores: z.array(z.object({ store: z.string(), state: z.string(), applied: z.boolean() })),
        })
        .parse(repaired.json());
      assert.deepEqual(
        stores.map(({ state, applied }) => [state, applied]),
        [
          ["ok", false],
          ["lost", true],
        ],
      );
      assert.equal((await status(disks)).code, 0);
    });

    it("accept acts where something was held back", async () => {
      const { disks } = await world(true, true);
      const refused = await runCli(["accept", "--yes", "--json", ...toAll(disks)]);
      assertOneLine(refused, 1, [/none of the 2 stores .*no refused backup is kept/]);
    });

    it("doctor finds one store under two names", async () => {
      const { disks, path } = await world(true, true);
      const link = join(path, "link");
      await symlink(disks[0]?.root ?? "", link);
      const checks = async (...given: readonly string[]) => {
        const done = await runCli(["doctor", "--json", ...given.flatMap((url) => ["--to", url])]);
        const report = z
          .object({
            ok: z.boolean(),
            checks: z.array(
              z.object({
                name: z.string(),
                level: z.string(),
                message: z.string(),
                store: z.string().optional(),
              }),
            ),
          })
          .parse(done.json());
        return {
          code: done.code,
          report,
          apart: report.checks.find(({ name }) => name === "stores-apart"),
        };
      };
      const [a = "", b = ""] = disks.map(({ url }) => url);
      const different = await checks(a, b);
      assert.equal(different.apart?.level, "good");
      const names = new Set(different.report.checks.flatMap(({ store }) => store ?? []));
      assert.deepEqual(names, new Set([a, b]));
      const same = await checks(a, pathToFileURL(link).href);
      assert.equal(same.code, 3);
      assert.match(same.apart?.message ?? "", /disk0 and .*link are one store under two names/);
      assert.equal((await checks(a)).apart, undefined);
    });

    it("kit lists every copy, the newest first; inspect says whose the newest version is", async () => {
      const { disks } = await world(false, true);
      const text = (await runCli(["kit", "--text", "-o", "-", ...toAll(disks)])).stdout;
      assert.match(
        text,
        /Backups: +file:.*disk1, .*\nCurrent when printed: +sequence 2|Backups: +file:.*disk1/,
      );
      assert.match(text, /Another copy: +file:.*disk0, sequence 1/);
      const inspected = await runCli([
        "inspect",
        "latest",
        "--json",
        ...toAll(disks),
        "--key-file",
        keyFile,
      ]);
      assert.equal(z.object({ store: z.string() }).parse(inspected.json()).store, disks[1]?.url);
    });
  });
});
