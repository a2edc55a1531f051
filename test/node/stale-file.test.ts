import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { closeSync, openSync, renameSync, symlinkSync } from "node:fs";
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { BackupFileSource } from "../../src/node/backup-file.ts";
import { largestBackupSizeBytes } from "../../src/node/stable-file.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { type ErrorCode, hasCode } from "../../src/runtime/error.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { bindMount } from "../support/tmpfs.ts";
import { Follower, Heard, until } from "./source-probe.ts";

/** A folder that lnd writes to, and room beside it for those who look at its file. */
class LndFolder extends AsyncDisposableStack {
  readonly heard = new Heard();
  readonly root: string;
  /** As lnd names it. */
  readonly file: string;

  private constructor(root: string) {
    super();
    this.root = root;
    this.file = join(root, "lnd", "channel.backup");
    this.defer(() => rm(root, { recursive: true, force: true }));
  }

  static async make(): Promise<LndFolder> {
    const made = new LndFolder(await mkdtemp(join(tmpdir(), "scb stale-")));
    await mkdir(dirname(made.file));
    return made;
  }

  /** As lnd does it. */
  async write(): Promise<Uint8Array> {
    const bytes = packedBytes();
    const temporary = join(dirname(this.file), "temp-dont-use.backup");
    await writeFile(temporary, bytes);
    await rename(temporary, this.file);
    return bytes;
  }

  source(path = this.file, clock: Clock = systemClock): BackupFileSource {
    const { heard: observer } = this;
    const timing = { pollIntervalMs: 30, settleMs: 10 };
    const source = new BackupFileSource({ path, observer, clock, ...timing });
    this.defer(() => source.close());
    return source;
  }

  /** Shows `source` at `name` in the root; null where this user may not mount. */
  async mount(t: TestContext, source: string, name: string): Promise<string | null> {
    const path = join(this.root, name);
    const mount = await bindMount(source, path);
    if (mount !== null) {
      this.use(mount);
      return path;
    }
    skipWithoutRoot(t);
    return null;
  }
}

describe("a channel.backup that alone is mounted", () => {
  const replacements = {
    "": () => Promise.resolve(),
    ", and the old one has another name": (path: string) => link(path, `${path}.old`),
  };
  for (const [name, keep] of Object.entries(replacements)) {
    it(`is trouble once lnd has replaced it${name}`, async (t) => {
      await using lnd = await LndFolder.make();
      const first = await lnd.write();
      await keep(lnd.file);
      const path = await lnd.mount(t, lnd.file, "mounted.backup");
      if (path === null) return;
      const watching = lnd.source(path);
      assert.deepEqual((await watching.snapshot("start")).packed, first);
      await using follower = new Follower(watching);
      await until("the start", () => follower.reasons.length === 1);
      assert.deepEqual(lnd.heard.troubles, []);

      await lnd.write();
      await until("trouble", () => lnd.heard.troubles.length > 0);
      assert.ok(lnd.heard.troubles.every(({ code }) => code === "io"));
      for (const one of [watching, lnd.source(path)]) {
        await assert.rejects(one.snapshot("refresh"), (error) => {
          assert.ok(hasCode(error, "io"));
          assert.match(
            error.message,
            /mounted\.backup: lnd has replaced this file.*mount its folder/,
          );
          return true;
        });
      }
      assert.deepEqual([follower.reasons, lnd.heard.recoveries], [["start"], 0]);
    });
  }

  const withoutProc = process.platform !== "linux" && "only Linux has /proc";
  it("is known by its inode alone", { skip: withoutProc }, async () => {
    await using lnd = await LndFolder.make();
    await lnd.write();
    const file = openSync(lnd.file, "r");
    lnd.defer(() => closeSync(file));
    // An open file is shown under this name for as long as it is open, and its mount is a sound one.
    const watching = lnd.source(`/proc/self/fd/${file}`);
    await watching.snapshot("start");
    await lnd.write();
    await assert.rejects(watching.snapshot("refresh"), { code: "io", message: /has replaced/ });
  });

  it("is known for one before that", async (t) => {
    await using lnd = await LndFolder.make();
    await lnd.write();
    const path = await lnd.mount(t, lnd.file, "mounted.backup");
    if (path === null) return;
    const alias = join(lnd.root, "alias.backup");
    await symlink(path, alias);
    assert.equal(await lnd.source(path).isMountPoint(), true);
    assert.equal(await lnd.source(alias).isMountPoint(), true);
    assert.equal(await lnd.source().isMountPoint(), false);
  });

  it("is no trouble if its folder is what is mounted", async (t) => {
    await using lnd = await LndFolder.make();
    await lnd.write();
    const mount = await lnd.mount(t, dirname(lnd.file), "mounted");
    if (mount === null) return;
    const watching = lnd.source(join(mount, "channel.backup"));
    assert.equal(await watching.isMountPoint(), false);
    await watching.snapshot("start");
    const next = await lnd.write();
    assert.deepEqual((await watching.snapshot("refresh")).packed, next);
    assert.deepEqual(lnd.heard.troubles, []);
  });
});

describe("a channel.backup that nobody writes any more", () => {
  it("doesn't get younger by being read", async () => {
    await using lnd = await LndFolder.make();
    await lnd.write();
    await utimes(lnd.file, 1_700_000_000, 1_700_000_000);
    const watching = lnd.source();
    for (const reason of ["start", "refresh"] as const) {
      assert.equal((await watching.snapshot(reason)).takenAt, 1_700_000_000_000);
    }
  });

  it("is never from the future", async () => {
    await using lnd = await LndFolder.make();
    await lnd.write();
    await utimes(lnd.file, 4_000_000_000, 4_000_000_000);
    const now = 1_800_000_000_000;
    const watching = lnd.source(lnd.file, { ...systemClock, now: () => now });
    assert.equal((await watching.snapshot("start")).takenAt, now);
  });
});

const impatient: Clock = { ...systemClock, sleep: () => Promise.resolve() };

/** Reads again and again while `path` turns from one target into the other; gives what failed. */
async function readWhileSwapping(
  source: BackupFileSource,
  path: string,
  targets: readonly string[],
): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const turn = (): void => {
    // By chance: a rhythm may be that of the reads.
    symlinkSync(targets[randomInt(targets.length)] ?? "", `${path}.new`);
    renameSync(`${path}.new`, path);
  };
  turn();
  let isReading = true;
  const turning = (async () => {
    while (isReading) {
      turn();
      await setImmediate();
    }
  })();
  let successes = 0;
  const endsAt = performance.now() + 20_000;
  while (Math.min(successes, failures.length) < 50 && performance.now() < endsAt) {
    try {
      await source.snapshot("refresh");
      successes += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  isReading = false;
  await turning;
  assert.ok(successes > 0 && failures.length > 0, `${successes} read, ${failures.length} refused`);
  return failures;
}

describe("what stands in the place of a channel.backup", () => {
  const kinds: Record<string, { make: (path: string) => unknown; code: ErrorCode; says: RegExp }> =
    {
      "a pipe that nobody writes to": {
        make: (path) => execFileSync("mkfifo", [path]),
        code: "usage",
        says: /not a regular file/,
      },
      "a device without an end": {
        make: (path) => symlink("/dev/zero", path),
        code: "usage",
        says: /not a regular file/,
      },
      "a file of a terabyte": {
        make: async (path) => {
          await writeFile(path, "");
          await truncate(path, 2 ** 40);
        },
        code: "decode",
        says: /1099511627776 bytes/,
      },
    };
  for (const [name, { make, code, says }] of Object.entries(kinds)) {
    it(`is refused at once: ${name}`, async () => {
      await using lnd = await LndFolder.make();
      await make(lnd.file);
      await assert.rejects(lnd.source().snapshot("start"), { code, message: says });
    });

    it(`is refused at once, whenever it comes: ${name}`, async () => {
      await using lnd = await LndFolder.make();
      await lnd.write();
      const path = join(lnd.root, "either");
      const other = join(lnd.root, "other");
      await make(other);
      const outcomes = await readWhileSwapping(lnd.source(path, impatient), path, [
        lnd.file,
        other,
      ]);
      for (const error of outcomes) {
        assert.ok(hasCode(error, code) && says.test(error.message), String(error));
      }
    });
  }

  it("is read to the last byte that a backup may have", async () => {
    await using lnd = await LndFolder.make();
    const part = randomBytes(1024 * 1024);
    await writeFile(lnd.file, part);
    for (let size = part.length; size < largestBackupSizeBytes; size += part.length) {
      await appendFile(lnd.file, part);
    }
    const { packed } = await lnd.source().snapshot("start");
    assert.equal(packed.length, largestBackupSizeBytes);
    await truncate(lnd.file, largestBackupSizeBytes + 1);
    await assert.rejects(lnd.source().snapshot("start"), { code: "decode" });
  });
});
