import assert from "node:assert/strict";
import {
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  checkBackupTarget,
  restoreCommand,
  writeBackupFile,
} from "../../src/recovery/restore/backup-file.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { mountSmallDisk } from "../support/tmpfs.ts";

/** No user of this machine. */
const stranger = 54_321;

describe("the file that a backup is written to", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-file-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("is whole, its owner's only, and alone", async () => {
    const packed = packedBytes();
    const target = await checkBackupTarget(join(folder, "a.backup"), { force: false });
    await writeBackupFile(target, packed, systemRandom);
    assert.ok((await readFile(target.path)).equals(packed));
    assert.equal((await stat(target.path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ["a.backup"]);
  });

  const refusals: readonly {
    readonly name: string;
    readonly make: (at: string) => Promise<unknown>;
    readonly file: string;
    readonly code: string;
    readonly force?: boolean;
    /** Only root can give a link to somebody else. */
    readonly needsRoot?: true;
  }[] = [
    {
      name: "a file that is there",
      make: (at) => writeFile(join(at, "b.backup"), "precious"),
      file: "b.backup",
      code: "exists",
    },
    { name: "a folder", make: (at) => mkdir(join(at, "sub")), file: "sub", code: "io" },
    {
      name: "a device, even when forced",
      make: (at) => symlink("/dev/null", join(at, "null")),
      file: "null",
      code: "io",
      force: true,
    },
    {
      name: "a link that leads nowhere",
      make: (at) => symlink("nowhere", join(at, "dangling")),
      file: "dangling",
      code: "exists",
    },
    {
      name: "a link into lnd's folder",
      make: async (at) => {
        await mkdir(join(at, "lnd"));
        await writeFile(join(at, "lnd", "channel.db"), "");
        await writeFile(join(at, "lnd", "channel.backup"), "");
        await symlink("lnd/channel.backup", join(at, "mine"));
      },
      file: "mine",
      code: "refused",
      force: true,
    },
    {
      name: "somebody else's link",
      make: async (at) => {
        await writeFile(join(at, "precious"), "precious");
        await symlink("precious", join(at, "trap"));
        await lchown(join(at, "trap"), stranger, stranger);
      },
      file: "trap",
      code: "refused",
      force: true,
      needsRoot: true,
    },
    {
      name: "somebody else's link that leads nowhere",
      make: async (at) => {
        await symlink("nowhere", join(at, "trap"));
        await lchown(join(at, "trap"), stranger, stranger);
      },
      file: "trap",
      code: "refused",
      needsRoot: true,
    },
    {
      name: "a file behind somebody else's link to a folder",
      make: async (at) => {
        await mkdir(join(at, "target"));
        await symlink("target", join(at, "trap"));
        await lchown(join(at, "trap"), stranger, stranger);
      },
      file: "trap/new.backup",
      code: "refused",
      needsRoot: true,
    },
    {
      name: "a circle of links",
      make: async (at) => {
        await symlink("b", join(at, "a"));
        await symlink("a", join(at, "b"));
      },
      file: "a",
      code: "io",
      force: true,
    },
    { name: "a folder that is missing", make: async () => undefined, file: "no/b", code: "io" },
    {
      name: "lnd's folder, even when forced",
      make: (at) => writeFile(join(at, "channel.db"), ""),
      file: "channel.backup",
      code: "refused",
      force: true,
    },
    {
      name: "where an lnd without a wallet will look",
      make: (at) => mkdir(join(at, "data/chain/bitcoin/mainnet"), { recursive: true }),
      file: "data/chain/bitcoin/mainnet/channel.backup",
      code: "refused",
    },
    {
      name: "lnd's folder through a link",
      make: async (at) => {
        await mkdir(join(at, "data/chain/bitcoin/simnet"), { recursive: true });
        await symlink(join(at, "data/chain/bitcoin/simnet"), join(at, "link"));
      },
      file: "link/channel.backup",
      code: "refused",
    },
  ];
  for (const { name, make, file, code, force = false, needsRoot } of refusals) {
    const skip = needsRoot === true && process.getuid?.() !== 0;
    it(`is not ${name}`, { skip }, async () => {
      const at = await mkdtemp(join(folder, "case-"));
      await make(at);
      await assert.rejects(checkBackupTarget(join(at, file), { force }), { code });
    });
  }

  it("replaces nothing that has come to be there since it was checked", async () => {
    const path = join(folder, "since.backup");
    const target = await checkBackupTarget(path, { force: false });
    await writeFile(path, "precious");
    await assert.rejects(writeBackupFile(target, packedBytes(), systemRandom), { code: "exists" });
    assert.equal(await readFile(path, "utf8"), "precious");
    assert.ok((await readdir(folder)).every((name) => !name.endsWith(".partial")));
  });

  it("takes the place of what a link points to, and of the link never", async () => {
    const at = await mkdtemp(join(folder, "link-"));
    await writeFile(join(at, "old"), "old");
    await symlink("old", join(at, "link"));
    const target = await checkBackupTarget(join(at, "link"), { force: true });
    const packed = packedBytes();
    await writeBackupFile(target, packed, systemRandom);
    assert.equal(await readlink(join(at, "link")), "old");
    assert.ok((await readFile(join(at, "old"))).equals(packed));
  });

  it("is not there at all where the disk is full", async (t) => {
    await using disk = await mountSmallDisk(16 * 1024);
    if (disk === null) return skipWithoutRoot(t);
    const target = join(disk.path, "channel.backup");
    await writeFile(target, "the older one");
    const checked = await checkBackupTarget(target, { force: true });
    await assert.rejects(writeBackupFile(checked, packedBytes(64 * 1024), systemRandom), {
      code: "io",
      message: /the disk is full.*nothing was left there/,
    });
    assert.deepEqual(await readdir(disk.path), ["channel.backup"]);
    assert.equal(await readFile(target, "utf8"), "the older one");
  });

  it("is named in a line that a shell takes", () => {
    assert.equal(
      restoreCommand("/tmp/my node's.backup", "testnet"),
      "lncli --network=testnet restorechanbackup --multi_file='/tmp/my node'\\''s.backup'",
    );
  });
});
