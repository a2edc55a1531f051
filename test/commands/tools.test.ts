import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { packSingle } from "../../src/chanbackup/packed-single.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { arbitrarySingle } from "../chanbackup/arbitraries.ts";
import { runCli } from "../support/cli.ts";

const backupKey = Buffer.alloc(32, 0xab);

describe("inspect, diff and key", () => {
  let folder: string;
  let key: string;
  const encrypter = backupKeyEncrypter(backupKey, systemRandom);
  const singles = fc.sample(arbitrarySingle, { numRuns: 5, seed: 7 }).map(
    (single): Single => ({
      ...single,
      addresses: [{ kind: "dns", host: Buffer.from("evil\u001b]0;x\u0007.example"), port: 9735 }],
    }),
  );
  const write = async (name: string, bytes: Uint8Array | string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes, { mode: 0o600 });
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-tools-"));
    key = await write("key", backupKey.toString("hex"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("inspect prints every channel, sorted, as JSON", async () => {
    const file = await write("multi", packMulti({ version: 0, staticBackups: singles }, encrypter));
    const { code, stdout } = await runCli(["inspect", file, "--key-file", key, "--json"]);
    assert.equal(code, 0);
    const backup = JSON.parse(stdout) as { kind: string; channels: Record<string, unknown>[] };
    assert.equal(backup.kind, "multi");
    const points = backup.channels.map((channel) => channel["fundingOutpoint"]);
    assert.deepEqual(
      points,
      singles.map((single) => formatOutPoint(single.fundingOutpoint)).sort(),
    );
    for (const channel of backup.channels) {
      assert.equal("leaseExpiry" in channel, channel["version"] === 4);
      assert.deepEqual(Object.keys(channel["closeTxInputs"] as object), ["present"]);
    }
  });

  it("inspect shows close transactions only when asked, in hex", async () => {
    const rich = singles.find(({ closeTxInputs }) => closeTxInputs !== undefined);
    assert.ok(rich?.closeTxInputs !== undefined);
    const file = await write("single", packSingle(rich, encrypter));
    const { stdout } = await runCli([
      "inspect",
      file,
      "--key-file",
      key,
      "--with-close-tx",
      "--json",
    ]);
    const backup = JSON.parse(stdout) as {
      kind: string;
      channels: { closeTxInputs: { commitSig: string } }[];
    };
    assert.equal(backup.kind, "single");
    const commitSig = Buffer.from(rich.closeTxInputs.commitSig).toString("hex");
    assert.equal(backup.channels[0]?.closeTxInputs.commitSig, commitSig);
    const help = await runCli(["inspect", "--help"]);
    assert.match(help.stdout.replaceAll(/\s+/g, " "), /can lose all the funds/);
  });

  it("inspect escapes what a peer chose before a terminal sees it", async () => {
    const file = await write("evil", packMulti({ version: 0, staticBackups: singles }, encrypter));
    const { stdout } = await runCli(["inspect", file, "--key-file", key]);
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("\u0007"));
    assert.ok(stdout.includes("evil\\x1b]0;x\\x07.example:9735"));
  });

  it("inspect says what can be known without a key", async () => {
    const file = await write(
      "sealed",
      packMulti({ version: 0, staticBackups: singles }, encrypter),
    );
    const { code, stdout } = await runCli(["inspect", file, "--json"]);
    assert.equal(code, 0);
    const sealed = JSON.parse(stdout) as { empty: boolean; mostChannels: number };
    assert.equal(sealed.empty, false);
    assert.ok(sealed.mostChannels >= singles.length);
    const empty = await write("empty", packMulti({ version: 0, staticBackups: [] }, encrypter));
    assert.match((await runCli(["inspect", empty])).stdout, /an empty Multi: no channels/);
  });

  const hostile: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ["an empty file", "", /0 bytes/],
    ["hex text", "0123456789abcdef".repeat(80), /hex/],
    ["base64 text", Buffer.alloc(900, 7).toString("base64"), /base64/],
    ["JSON", JSON.stringify({ multi: "x".repeat(900) }), /JSON/],
    [
      "the backup of another key",
      packMulti(
        { version: 0, staticBackups: singles },
        backupKeyEncrypter(Buffer.alloc(32, 1), systemRandom),
      ),
      /seed, passphrase or network/,
    ],
  ];
  for (const [name, content, message] of hostile) {
    it(`inspect of ${name} is one clear line`, async () => {
      const file = await write("hostile", content);
      const { code, stdout, stderr } = await runCli(["inspect", file, "--key-file", key]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    });
  }

  it("inspect of a folder, and of nothing, says so", async () => {
    assert.match((await runCli(["inspect", folder, "--key-file", key])).stderr, /is a folder/);
    const huge = await write("huge", "");
    await truncate(huge, 3_000_000_000);
    assert.match((await runCli(["inspect", huge])).stderr, /has 3000000000 bytes, so it isn't/);
    const zero = await runCli(["inspect", "/dev/zero"], { timeoutMs: 10_000 });
    assert.match(zero.stderr, /is a device, so it isn't a channel backup/);
    assert.match((await runCli(["inspect", "nowhere", "--key-file", key])).stderr, /no such file/);
  });

  it("diff tells what changed, with exit code 3", async () => {
    const a = await write(
      "a",
      packMulti({ version: 0, staticBackups: singles.slice(1) }, encrypter),
    );
    const b = await write(
      "b",
      packMulti({ version: 0, staticBackups: singles.slice(0, -1) }, encrypter),
    );
    const { code, stdout } = await runCli(["diff", a, b, "--key-file", key, "--json"]);
    assert.equal(code, 3);
    const [first, last] = [singles[0], singles.at(-1)];
    assert.ok(first !== undefined && last !== undefined);
    assert.deepEqual(JSON.parse(stdout), {
      added: [formatOutPoint(first.fundingOutpoint)],
      removed: [formatOutPoint(last.fundingOutpoint)],
      changed: [],
    });
    // The same channels, packed anew: other bytes, no difference.
    const again = await write(
      "again",
      packMulti({ version: 0, staticBackups: singles.slice(1) }, encrypter),
    );
    assert.equal((await runCli(["diff", a, again, "--key-file", key])).code, 0);
    assert.equal((await runCli(["diff", a, b])).code, 2);
  });

  it("key prints the backup key, and never a secret in an error", async () => {
    const { code, stdout } = await runCli([
      "key",
      "--key-file",
      key,
      "--network",
      "regtest",
      "--json",
    ]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), {
      backupKey: backupKey.toString("hex"),
      network: "regtest",
    });
    const bad = await write("bad", "zebra ".repeat(24));
    const wrong = await runCli(["key", "--key-file", bad]);
    assert.equal(wrong.code, 1);
    assert.doesNotMatch(wrong.stderr, /zebra/);
    assert.equal((await runCli(["key"])).code, 2);
  });
});
