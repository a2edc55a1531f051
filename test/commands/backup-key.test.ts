import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { walletVectors } from "../keychain/vectors.ts";
import { fakePubkey, lndError, tlsFile } from "../node/fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "../node/fake-node.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { makeSwapper, swapOnce } from "../support/mirror-fixture.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";

const encryptionKey = publicKeyOf(1017);
const backupKey = createHash("sha256").update(encryptionKey).digest();
const packed = packMulti(
  { version: 0, staticBackups: [] },
  backupKeyEncrypter(backupKey, systemRandom),
);
const other = walletVectors.find(({ coinType }) => coinType === 1) ?? assert.fail("no vector");

describe("the backup key", () => {
  let setup: FakeSetup;
  let to: readonly string[];
  let rootKey: string;
  before(async () => {
    setup = await fakeSetup();
    const root = join(setup.folder, "store");
    await mkdir(root);
    to = ["--to", `file://${root}`];
    const parts = { logger: silentLogger, clock: systemClock, random: systemRandom };
    const store = new FileStore({ root, ...parts });
    const node = { pubkey: fakePubkey, network: "regtest" } as const;
    for (const folder of [fakePubkey, "by-name"]) {
      await swapOnce(makeSwapper(prefixedStore(store, folder), { node }), packed);
    }
    await store.close();
    rootKey = join(setup.folder, "root-key");
    await writeFile(rootKey, other.root, { mode: 0o600 });
  });
  after(() => setup[Symbol.asyncDispose]());

  const allow = (isAllowed: boolean): void => {
    setup.lnd.keys.set("7/0", encryptionKey);
    if (isAllowed) setup.lnd.failures.delete("DeriveKey");
    else setup.lnd.failures.set("DeriveKey", lndError("permission denied"));
  };
  const withLnd = (...args: readonly string[]): Promise<CliResult> => {
    const { lnd, macaroonPath } = setup;
    const reach = ["--rpcserver", lnd.address, "--tlscertpath", tlsFile("fake-lnd.cert.pem")];
    const from = ["--from", "lnd", "--network", "regtest", "--macaroonpath", macaroonPath];
    return runCli([...args, ...from, ...reach]);
  };

  it("is printed of a running lnd", async () => {
    allow(true);
    const { code, json } = await withLnd("key", "--json");
    assert.equal(code, 0);
    assert.deepEqual(json(), { backupKey: backupKey.toString("hex"), network: "regtest" });
  });

  it("is not, where the macaroon does not allow it: which permission is said, and how to get it", async () => {
    allow(false);
    const { code, stdout, stderr } = await withLnd("key");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /does not allow DeriveKey: .*uri:\/walletrpc\.WalletKit\/DeriveKey/);
    assert.equal(stderr.trim().split("\n").length, 1);
  });

  it("of lnd opens what inspect, diff and restore are to look into", async () => {
    allow(true);
    const inspected = await withLnd("inspect", "latest", "--json", ...to);
    assert.deepEqual(inspected.json(), { kind: "multi", version: 0, channels: [] });
    const same = await withLnd("diff", "latest", "1", "--json", ...to);
    assert.deepEqual(same.json(), { added: [], removed: [], changed: [] });
    const file = join(setup.folder, "restored");
    const restored = await withLnd("restore", "--json", "-o", file, ...to);
    assert.deepEqual((restored.json() as { verified: unknown }).verified, {
      hash: true,
      decrypted: true,
    });
  });

  it("of lnd is done without, where the command can be; not where it cannot", async () => {
    allow(false);
    const file = join(setup.folder, "restored without");
    const restored = await withLnd("restore", "--json", "-o", file, ...to);
    assert.equal(restored.code, 0);
    assert.match(restored.stderr, /without a key: .*DeriveKey/);
    assert.deepEqual(await readFile(file), Buffer.from(packed));
    assert.equal((await withLnd("diff", "latest", "1", ...to)).code, 1);
  });

  it("is not asked of lnd where a key file is given", async () => {
    allow(true);
    const path = join(setup.folder, "backup-key");
    await writeFile(path, "cd".repeat(32), { mode: 0o600 });
    const { stdout } = await withLnd("key", "--key-file", path);
    assert.equal(stdout.trim(), "cd".repeat(32));
  });

  for (const folder of [fakePubkey, "by-name"]) {
    for (const args of [["inspect"], ["diff", "1", "latest"], ["restore", "-o", "-"]]) {
      it(`of another seed: ${args[0]} of ${folder.slice(0, 7)} says for certain that it is`, async () => {
        const key = ["--key-file", rootKey, "--network", "regtest", "--node", folder];
        const { code, stdout, stderr } = await runCli([...args, ...key, ...to]);
        assert.deepEqual([code, stdout], [1, ""]);
        const both = `belongs to node ${other.keys["6/0"]}, but the backup is from node ${fakePubkey}:`;
        assert.ok(stderr.includes("this is the wrong key") && stderr.includes(both), stderr);
        assert.ok(!stderr.includes(other.root));
      });
    }
  }

  it("goes into a file that only its owner can read, and never over another", async () => {
    allow(true);
    const file = join(setup.folder, "backup.key");
    const written = await withLnd("key", "-o", file);
    assert.equal(written.code, 0, written.stderr);
    assert.ok(!written.stdout.includes(backupKey.toString("hex")));
    assert.equal(await readFile(file, "utf8"), `${backupKey.toString("hex")}\n`);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const again = await withLnd("key", "-o", file);
    assert.equal(again.code, 4);
    assert.match(again.stderr, /already exists and was left as it is/);
    assert.equal((await withLnd("key", "-o", file, "--force", "--json")).code, 0);

    const link = join(setup.folder, "link.key");
    await symlink(file, link);
    const linked = await withLnd("key", "-o", link, "--force");
    assert.equal(linked.code, 4);
    assert.match(linked.stderr, /is a link that may be another user's, so it was not followed/);
  });
});
