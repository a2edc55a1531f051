import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { runCli, startRun } from "../support/cli.ts";
import { packedBytes } from "../support/mirror-fixture.ts";

describe("the command line", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-cli-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A fresh store below the test's folder. */
  const newStore = async (): Promise<{ path: string; url: string }> => {
    const path = await mkdtemp(join(folder, "store-"));
    return { path, url: pathToFileURL(path).href };
  };
  const nodeFolder = async (path: string): Promise<string> => {
    const [only] = await readdir(path);
    return join(path, only ?? "");
  };

  describe("help and mistakes", () => {
    for (const args of [
      ["--help"],
      ["run", "--help"],
      ["status", "--help"],
      ["list", "--help"],
      ["restore", "--help"],
    ]) {
      it(`${args.join(" ")} shows examples and exit codes`, async () => {
        const { code, stdout, stderr } = await runCli(args);
        assert.equal(code, 0);
        assert.match(stdout, /Examples:\n {2}\$ scb-mirror /);
        assert.match(stdout, /Exit codes: 0 done/);
        assert.equal(stderr, "");
      });
    }

    it("--version prints the package's version", async () => {
      const { stdout } = await runCli(["--version"]);
      const manifest = JSON.parse(
        await readFile(new URL("../../package.json", import.meta.url), "utf8"),
      );
      assert.equal(stdout.trim(), manifest.version);
    });

    const wrong: readonly (readonly [
      string,
      readonly string[],
      RegExp,
      Readonly<Record<string, string>>?,
    ])[] = [
      ["no command", [], /no command/],
      ["an unknown command", ["lst"], /unknown command 'lst'.*list/],
      ["an unknown flag", ["list", "--bogus"], /unknown option '--bogus'/],
      ["a flag without its value", ["list", "--to"], /--to/],
      ["too many arguments", ["list", "one"], /too many arguments/],
      ["no store", ["list"], /--to/],
      [
        "no lnd where it should be",
        ["run", "--to", "file:///tmp/x", "--lnddir", "/nonexistent/lnd"],
        /tls\.cert.*\/nonexistent\/lnd/,
      ],
      ["a store of an unknown kind", ["list", "--to", "ftp://host/x"], /s3:\/\/BUCKET/],
      [
        "a source of an unknown kind",
        ["run", "--from", "cln", "--to", "file:///tmp/x"],
        /--from "cln"/,
      ],
      [
        "a file URL that is none",
        ["run", "--from", "file:///tmp/100%.backup", "--node", "x", "--to", "file:///tmp/x"],
        /--from .*%25/,
      ],
      ["an unknown network", ["run", "--network", "main", "--to", "file:///tmp/x"], /--network/],
      [
        "a bad duration",
        ["status", "--max-age", "1 fortnight", "--to", "file:///tmp/x"],
        /--max-age: must be a duration/,
      ],
      ["a bad node name", ["status", "--node", "../x", "--to", "file:///tmp"], /node name/],
      [
        "a file without a node's name",
        ["run", "--from", "file:/tmp/x.backup", "--to", "file:///tmp/x"],
        /--node/,
      ],
      [
        "a setting in the environment that is none",
        ["list"],
        /SCB_MIRROR_TWO/,
        { SCB_MIRROR_TWO: "s3://b" },
      ],
      [
        "a bad setting in the environment",
        ["list"],
        /SCB_MIRROR_MAX_AGE/,
        { SCB_MIRROR_MAX_AGE: "soon" },
      ],
      [
        "a configuration that is not there",
        ["list", "--config", "/nonexistent.yaml"],
        /\/nonexistent\.yaml/,
      ],
      ["stdout wanted twice", ["restore", "--to", "file:///tmp", "-o", "-", "--json"], /--json/],
    ];
    for (const [name, args, message, env = {}] of wrong) {
      it(`${name} is one line on stderr and exit code 2`, async () => {
        const { code, stdout, stderr } = await runCli(args, { env });
        assert.match(stderr, message);
        assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
        assert.equal(stdout, "");
        assert.equal(code, 2);
      });
    }
  });

  describe("settings", () => {
    it("flags beat environment beats file", async () => {
      const { url } = await newStore();
      await runCli(["run", "--once", "--from", "demo", "--to", url]);
      const config = join(folder, "config.yaml");
      await writeFile(config, "to: s3://from-the-file\nmax-age: 1ms\n");
      const fileOnly = await runCli(["status", "--config", config, "--to", url]);
      assert.equal(fileOnly.code, 3);
      assert.match(fileOnly.stdout, /stale/);
      const withEnvironment = await runCli(["status", "--config", config], {
        env: { SCB_MIRROR_TO: url, SCB_MIRROR_MAX_AGE: "1d" },
      });
      assert.equal(withEnvironment.code, 0);
      const withFlag = await runCli(["status", "--max-age", "1ms", "--to", url], {
        env: { SCB_MIRROR_MAX_AGE: "1d" },
      });
      assert.equal(withFlag.code, 3);
    });

    it("an unknown name in the file is an error", async () => {
      const config = join(folder, "typo.yaml");
      await writeFile(config, "too: s3://x\n");
      const { code, stderr } = await runCli(["list", "--config", config]);
      assert.equal(code, 2);
      assert.match(stderr, /"too" in .*typo\.yaml/);
    });
  });

  describe("run, status, list, restore", () => {
    it("mirrors the demo node, finds it healthy, and gives its bytes back", async () => {
      const { path, url } = await newStore();
      await using run = startRun(["--from", "demo", "--to", url, "--demo-interval", "50ms"]);
      const third = await run.event(
        (event) => event.event === "swapped" && event["sequence"] === 3,
      );
      assert.equal(await run.end("SIGTERM"), 0);
      assert.deepEqual(run.events[0]?.event, "started");
      assert.deepEqual(run.events.at(-1)?.event, "stopped");
      for (const field of ["key", "sha256", "sizeBytes", "channels", "elapsedMs"]) {
        assert.ok(field in third, field);
      }

      const status = (await runCli(["status", "--to", url, "--json"])).json() as Record<
        string,
        unknown
      >;
      assert.equal(status["healthy"], true);
      const list = (await runCli(["list", "--to", url, "--json"])).json() as {
        versions: {
          sequence: number;
          current: boolean;
          orphan: boolean;
          sha256: string;
          key: string;
        }[];
      };
      const [newest] = list.versions;
      assert.equal(newest?.current, true);
      assert.equal(list.versions.filter(({ current }) => current).length, 1);
      assert.deepEqual(
        list.versions.map(({ sequence }) => sequence),
        list.versions.map((_, index) => list.versions.length - index),
      );

      const file = join(folder, "restored.backup");
      const restored = await runCli(["restore", "--to", url, "-o", file, "--json"]);
      assert.equal(restored.code, 0);
      const fact = restored.json() as Record<string, unknown>;
      const bytes = await readFile(file);
      assert.equal(fact["sha256"], sha256Hex(bytes));
      assert.equal(fact["sha256"], newest?.sha256);
      assert.deepEqual(fact["verified"], { hash: true, decrypted: false });
      assert.equal(fact["next"], `lncli restorechanbackup --multi_file=${file}`);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.deepEqual(bytes, await readFile(join(await nodeFolder(path), newest?.key ?? "")));

      const older = await runCli(["restore", "2", "--to", url, "-o", "-"]);
      assert.equal(
        sha256Hex(older.stdoutBytes),
        list.versions.find(({ sequence }) => sequence === 2)?.sha256,
      );
      const byKey = await runCli(["restore", newest?.key ?? "", "--to", url, "-o", "-"]);
      assert.deepEqual(byKey.stdoutBytes, bytes);
    });

    it("restore does not overwrite without --force, nor write into an lnd folder", async () => {
      const { url } = await newStore();
      await runCli(["run", "--once", "--from", "demo", "--to", url]);
      const file = join(folder, "there.backup");
      await writeFile(file, "precious");
      const refused = await runCli(["restore", "--to", url, "-o", file]);
      assert.equal(refused.code, 4);
      assert.equal(await readFile(file, "utf8"), "precious");
      assert.equal((await runCli(["restore", "--to", url, "-o", file, "--force"])).code, 0);

      const lnd = await mkdtemp(join(folder, "lnd-"));
      await writeFile(join(lnd, "wallet.db"), "");
      const inLnd = await runCli(["restore", "--to", url, "-o", join(lnd, "channel.backup")]);
      assert.equal(inLnd.code, 4);
      assert.match(inLnd.stderr, /restores nothing/);
      assert.deepEqual(await readdir(lnd), ["wallet.db"]);
    });

    it("restore decrypts with the key that the demo node was given", async () => {
      const { url } = await newStore();
      const [key, other] = [join(folder, "key"), join(folder, "other")];
      await writeFile(key, `${"ab".repeat(32)}\n`, { mode: 0o600 });
      await writeFile(other, `${"cd".repeat(32)}\n`, { mode: 0o600 });
      await runCli(["run", "--once", "--from", "demo", "--to", url, "--key-file", key]);
      const file = join(folder, "decrypted.backup");
      const restored = await runCli([
        "restore",
        "--to",
        url,
        "-o",
        file,
        "--key-file",
        key,
        "--json",
      ]);
      const fact = restored.json() as { verified: unknown; channels: unknown };
      assert.deepEqual(fact.verified, { hash: true, decrypted: true });
      assert.equal(fact.channels, 3);
      const wrong = await runCli(["restore", "--to", url, "-o", "-", "--key-file", other]);
      assert.equal(wrong.code, 1);
      assert.equal(wrong.stdoutBytes.length, 0);
      assert.match(wrong.stderr, /seed, passphrase or network/);
      assert.doesNotMatch(wrong.stderr, /cdcd/);
    });

    it("--once makes no swap where the store has this state", async () => {
      const { url } = await newStore();
      const file = join(folder, "channel.backup");
      const args = [
        "run",
        "--once",
        "--json",
        "--from",
        `file:${file}`,
        "--node",
        "alice",
        "--to",
        url,
      ];
      const kinds = async (): Promise<string[]> => {
        const { code, stdout } = await runCli(args);
        assert.equal(code, 0);
        return stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).event);
      };
      await writeFile(file, packedBytes());
      assert.deepEqual(await kinds(), ["started", "swapped", "verdict", "stopped"]);
      assert.deepEqual(await kinds(), ["started", "unchanged", "verdict", "stopped"]);
      await writeFile(file, packedBytes());
      assert.deepEqual(await kinds(), ["started", "swapped", "verdict", "stopped"]);
    });

    it("an empty backup does not replace a good one, unless that is said for this once", async () => {
      const { path, url } = await newStore();
      const file = join(folder, "emptied.backup");
      const args = ["run", "--once", "--from", `file:${file}`, "--node", "alice", "--to", url];
      await writeFile(file, packedBytes());
      assert.equal((await runCli(args)).code, 0);
      await writeFile(file, packedBytes(45));
      const refused = await runCli(args);
      assert.equal(refused.code, 4);
      assert.match(refused.stderr, /--accept-empty/);
      assert.equal(
        (await readdir(join(path, "alice", "quarantine"))).filter((name) => !name.startsWith("."))
          .length,
        2,
      );
      const status = await runCli(["status", "--to", url]);
      assert.equal(status.code, 3);
      assert.match(status.stdout, /refused/);
      assert.equal((await runCli([...args, "--accept-empty"])).code, 0);
      assert.equal((await runCli(["status", "--to", url])).code, 0);
      await writeFile(file, packedBytes());
      assert.equal((await runCli(args)).code, 0);
      await writeFile(file, packedBytes(45));
      assert.equal((await runCli(args)).code, 4);
    });

    it("--accept-empty is used up by the first state, also when that was saved already", async () => {
      const { url } = await newStore();
      const file = join(folder, "later.backup");
      const source = ["--from", `file:${file}`, "--node", "alice", "--to", url];
      await writeFile(file, packedBytes());
      assert.equal((await runCli(["run", "--once", ...source])).code, 0);
      await using run = startRun([...source, "--accept-empty"]);
      await run.event("unchanged");
      await writeFile(file, packedBytes(45));
      await run.event("refused");
      assert.equal(await run.end(), 0);
      assert.deepEqual(run.events.at(-1)?.["last"], "refused");
    });

    it("a restore to a file needs no node, though the mirror's settings name one", async () => {
      const { path, url } = await newStore();
      const demo = ["run", "--once", "--from", "demo", "--node", "alice", "--to", url];
      assert.equal((await runCli(demo)).code, 0);
      const file = join(path, "restored.backup");
      const args = ["restore", "--to", url, "-o", file, "--json"];
      const env = { SCB_MIRROR_FROM: "lnd", SCB_MIRROR_LNDDIR: join(folder, "no-lnd") };
      const { code, stderr } = await runCli(args, { env });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^scb-mirror: continuing without the node in your settings: .*no-lnd/m);
      assert.ok((await stat(file)).size > 45);
      // Who asks for the node on the command line is told that it is not there.
      const asked = await runCli([...args, "--force", "--from", "lnd"], { env });
      assert.equal(asked.code, 2, asked.stderr);
    });

    it("says at its end whether the last state is saved", async () => {
      const { url } = await newStore();
      const file = join(folder, "last.backup");
      const args = ["run", "--from", `file:${file}`, "--node", "alice", "--to", url];
      await writeFile(file, packedBytes());
      const saved = await runCli([...args, "--once"]);
      assert.match(saved.stdout, /stopped: everything known is saved$/m);
      await rm(file);
      await using run = startRun(args.slice(1));
      await run.event("retrying");
      assert.equal(await run.end(), 0);
      assert.deepEqual(run.events.at(-1)?.["last"], null);
    });

    it("--accept-empty is used up by the first state, also when that was refused", async () => {
      const { url } = await newStore();
      const file = join(folder, "refused.backup");
      const to = ["--node", "alice", "--to", url];
      assert.equal((await runCli(["run", "--once", "--from", "demo", ...to])).code, 0);
      await writeFile(file, packedBytes(500));
      await using run = startRun(["--from", `file:${file}`, ...to, "--accept-empty"]);
      assert.equal((await run.event("refused"))["code"], "unverified");
      const after = run.events.length;
      await writeFile(file, packedBytes(45));
      assert.equal((await run.event("refused", { after }))["code"], "empty");
      assert.equal(await run.end(), 0);
    });

    it("a file that is missing or no backup fails, and saves nothing", async () => {
      const { path, url } = await newStore();
      const file = join(folder, "not-a.backup");
      const args = ["run", "--once", "--from", `file:${file}`, "--node", "alice", "--to", url];
      for (const content of [
        null,
        "",
        "0102".repeat(300),
        JSON.stringify({ a: "b".repeat(500) }),
      ]) {
        if (content !== null) await writeFile(file, content);
        const { code, stderr } = await runCli(args);
        assert.equal(code, 1, stderr);
        assert.match(stderr, /not-a\.backup/);
        assert.deepEqual(
          (await readdir(path, { recursive: true })).filter((name) => /versions\//.test(name)),
          [],
        );
      }
    });

    it("a deleted pointer stops run with 4, and is not made anew", async () => {
      const { path, url } = await newStore();
      await runCli(["run", "--once", "--from", "demo", "--to", url]);
      const pointer = join(await nodeFolder(path), "latest.json");
      await rm(pointer);
      const { code, stderr } = await runCli(["run", "--once", "--from", "demo", "--to", url]);
      assert.equal(code, 4);
      assert.match(stderr, /pointer .* is gone/);
      await assert.rejects(stat(pointer), { code: "ENOENT" });
      const status = await runCli(["status", "--to", url, "--json"]);
      assert.equal(status.code, 3);
      assert.match(status.stdout, /"pointer-lost"/);
    });

    const damages: readonly (readonly [string, string, string])[] = [
      ["no JSON", "not json", "pointer-damaged"],
      ["of an unknown schema", '{"schema":9}', "pointer-damaged"],
    ];
    for (const [name, text, code] of damages) {
      it(`a pointer that is ${name} is found by status, and touched by nobody`, async () => {
        const { path, url } = await newStore();
        await runCli(["run", "--once", "--from", "demo", "--to", url]);
        const pointer = join(await nodeFolder(path), "latest.json");
        await writeFile(pointer, text);
        const run = await runCli(["run", "--once", "--from", "demo", "--to", url]);
        assert.notEqual(run.code, 0);
        assert.equal(await readFile(pointer, "utf8"), text);
        const status = await runCli(["status", "--to", url, "--json"]);
        assert.equal(status.code, 3);
        assert.ok(status.stdout.includes(`"${code}"`));
        assert.equal((await runCli(["restore", "1", "--to", url, "-o", "-"])).code, 0);
      });
    }

    it("a version whose bytes do not match is found by status, and never restored", async () => {
      const { path, url } = await newStore();
      await runCli(["run", "--once", "--from", "demo", "--to", url]);
      const versions = join(await nodeFolder(path), "versions");
      const name = (await readdir(versions)).find((entry) => !entry.startsWith(".")) ?? "";
      const good = await readFile(join(versions, name));
      await writeFile(join(versions, name), good.subarray(0, -1));
      const status = await runCli(["status", "--to", url, "--json"]);
      assert.equal(status.code, 3);
      assert.match(status.stdout, /"version-damaged"/);
      const restored = await runCli(["restore", "--to", url, "-o", join(folder, "damaged")]);
      assert.equal(restored.code, 1);
      await assert.rejects(stat(join(folder, "damaged")), { code: "ENOENT" });
    });

    it("SIGINT ends run with 0 and the last state saved", async () => {
      const { url } = await newStore();
      await using run = startRun(["--from", "demo", "--to", url, "--demo-interval", "5ms"]);
      await run.event((event) => event.event === "swapped" && event["sequence"] === 20);
      assert.equal(await run.end("SIGINT"), 0);
      const last = run.events.findLast(({ event }) => event === "swapped");
      const status = (await runCli(["status", "--to", url, "--json"])).json() as {
        healthy: boolean;
        latest: { sha256: string };
      };
      assert.equal(status.healthy, true);
      assert.equal(status.latest.sha256, last?.["sha256"]);
    });

    it("two mirrors on one folder both get through, and lose nothing", async () => {
      const { url } = await newStore();
      const args = ["--from", "demo", "--to", url, "--demo-interval", "100ms"];
      args.push("--min-interval", "1ms");
      await using one = startRun(args);
      await using two = startRun(args);
      const many = (run: typeof one) =>
        run.event((event) => event.event === "swapped" && run.events.length > 30);
      await Promise.all([many(one), many(two)]);
      assert.deepEqual(await Promise.all([one.end(), two.end()]), [0, 0]);
      const list = (await runCli(["list", "--to", url, "--json"])).json() as {
        versions: { key: string; orphan: boolean }[];
      };
      const lineage = new Set(list.versions.filter(({ orphan }) => !orphan).map(({ key }) => key));
      for (const { event, ...facts } of [...one.events, ...two.events]) {
        if (event === "swapped") assert.ok(lineage.has(String(facts["key"])), String(facts["key"]));
      }
    });

    it("readers share the environment of a demo", async () => {
      const { url } = await newStore();
      const env = { SCB_MIRROR_FROM: "demo", SCB_MIRROR_TO: url };
      assert.equal((await runCli(["run", "--once"], { env })).code, 0);
      assert.equal((await runCli(["status"], { env })).code, 0);
    });

    it("several nodes in one store need --node", async () => {
      const { url } = await newStore();
      const file = join(folder, "several.backup");
      await writeFile(file, packedBytes());
      for (const node of ["alice", "bob"]) {
        await runCli(["run", "--once", "--from", `file:${file}`, "--node", node, "--to", url]);
      }
      const { code, stderr } = await runCli(["status", "--to", url]);
      assert.equal(code, 2);
      assert.match(stderr, /--node \(alice, bob\)/);
      assert.equal((await runCli(["status", "--to", url, "--node", "bob"])).code, 0);
    });

    it("status and restore of an empty store say so", async () => {
      const { url } = await newStore();
      for (const command of ["status", "restore"]) {
        const { code, stderr } = await runCli([command, "--to", url]);
        assert.equal(code, 1);
        assert.match(stderr, /no backups/);
      }
      const named = await runCli(["status", "--to", url, "--node", "alice"]);
      assert.equal(named.code, 3);
      assert.match(named.stdout, /no-backup/);
    });
  });
});
