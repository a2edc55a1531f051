import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  appendFile,
  mkdir,
  mkdtemp,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import {
  emptyMultiSizeBytes,
  smallestPackedMultiSizeBytes,
} from "../../src/chanbackup/packed-multi.ts";
import { type BackupFileOptions, BackupFileSource } from "../../src/node/backup-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import { point } from "./fake-lnd.ts";
import { Follower, Heard, until } from "./source-probe.ts";

const backup = (): Uint8Array => new Uint8Array(randomBytes(smallestPackedMultiSizeBytes(2)));

/** As lnd does it. */
async function renameInto(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), "temp-dont-use.backup");
  await writeFile(temporary, bytes, { flush: true });
  await rename(temporary, path);
}

async function fileSetup(options: Partial<BackupFileOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "scb-file-"));
  const path = join(folder, "simnet", "channel.backup");
  await mkdir(dirname(path));
  const heard = new Heard();
  const source = new BackupFileSource({
    path,
    observer: heard,
    clock: systemClock,
    // By default polls never help: what is seen is seen by the watch.
    pollIntervalMs: 60_000,
    settleMs: 30,
    ...options,
  });
  return {
    path,
    heard,
    source,
    async [Symbol.asyncDispose]() {
      await source.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe("snapshots of a file", () => {
  it("hold its bytes, and nothing that nobody knows", async () => {
    await using setup = await fileSetup();
    const packed = backup();
    await renameInto(setup.path, packed);
    const { takenAt, ...snapshot } = await setup.source.snapshot("start");
    assert.deepEqual(snapshot, {
      packed,
      channelPoints: null,
      bareChannelPoints: null,
      limbo: null,
      reason: "start",
      verifiedBy: null,
    });
    assert.ok(Math.abs(Date.now() - takenAt) < 5_000);
    assert.deepEqual(await setup.source.identify(), { pubkey: null, network: null });
  });

  it("take an empty Multi, which has 45 bytes", async () => {
    await using setup = await fileSetup();
    await renameInto(setup.path, new Uint8Array(randomBytes(emptyMultiSizeBytes)));
    assert.equal((await setup.source.snapshot("start")).packed.length, 45);
  });

  it("hold what an inspection finds", async () => {
    const contents = { channelPoints: [point(1), point(2)], bareChannelPoints: [point(2)] };
    const inspect = () => Promise.resolve({ ...contents, verifiedBy: "key" as const });
    await using setup = await fileSetup({ inspect });
    await renameInto(setup.path, backup());
    const { channelPoints, bareChannelPoints, verifiedBy } = await setup.source.snapshot("start");
    assert.deepEqual(
      { channelPoints, bareChannelPoints, verifiedBy },
      { ...contents, verifiedBy: "key" },
    );
  });

  it("are refused when an inspection fails", async () => {
    const inspect = () => Promise.reject(new ScbError("decrypt", "another seed"));
    await using setup = await fileSetup({ inspect });
    await renameInto(setup.path, backup());
    await assert.rejects(setup.source.snapshot("start"), { code: "decrypt" });
  });

  const flaws: readonly { name: string; bytes: Uint8Array | string; message: RegExp }[] = [
    { name: "nothing", bytes: "", message: /has 0 bytes/ },
    { name: "44 bytes", bytes: randomBytes(44), message: /has 44 bytes.*truncated/ },
    { name: "half a channel", bytes: randomBytes(120), message: /at least/ },
    { name: "gzip", bytes: gzipSync(randomBytes(600)), message: /format is gzip/ },
    { name: "hex text", bytes: randomBytes(400).toString("hex"), message: /hex text/ },
    { name: "base64", bytes: randomBytes(400).toString("base64"), message: /base64 text/ },
    { name: "JSON", bytes: `{"multi": "${"x".repeat(500)}"}`, message: /JSON/ },
    { name: "zeros", bytes: new Uint8Array(600), message: /zero bytes/ },
  ];
  for (const { name, bytes, message } of flaws) {
    it(`are never of ${name}`, async () => {
      await using setup = await fileSetup();
      await writeFile(setup.path, bytes);
      await assert.rejects(setup.source.snapshot("start"), (error) => {
        assert.ok(hasCode(error, "decode"));
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(setup.path));
        return true;
      });
    });
  }

  it("say when there is no file, or a folder", async () => {
    await using setup = await fileSetup();
    await assert.rejects(setup.source.snapshot("start"), { code: "io", message: /no such file/ });
    await mkdir(setup.path);
    await assert.rejects(setup.source.snapshot("start"), { code: "usage", message: /is a folder/ });
  });

  it("are never of a file that is being written", async () => {
    await using setup = await fileSetup({ settleMs: 120 });
    const packed = new Uint8Array(randomBytes(20_000));
    const written = (async () => {
      // Where it is, bit by bit: every prefix could be a Multi, by its size.
      for (let at = 0; at < packed.length; at += 2_000) {
        await appendFile(setup.path, packed.subarray(at, at + 2_000));
        await delay(20);
      }
    })();
    await delay(30);
    const snapshot = await setup.source.snapshot("start");
    await written;
    assert.deepEqual(snapshot.packed, packed);
  });

  it("are never of a file that changes while it is read", async () => {
    await using setup = await fileSetup();
    const large = randomBytes(32 * 1024 * 1024);
    for (let delayMs = 0; delayMs < 12; delayMs++) {
      await writeFile(setup.path, large);
      await setup.source.snapshot("start");
      const taking = setup.source.snapshot("start");
      await delay(delayMs);
      await truncate(setup.path, 1_000);
      const sizeBytes = (await taking).packed.length;
      assert.ok([1_000, 32 * 1024 * 1024].includes(sizeBytes), `${sizeBytes} bytes`);
    }
  });

  it("do not wait for a file that is known to have settled", async () => {
    await using setup = await fileSetup({ settleMs: 300 });
    await renameInto(setup.path, backup());
    await setup.source.snapshot("start");
    const startedAt = performance.now();
    await setup.source.snapshot("start");
    assert.ok(performance.now() - startedAt < 200);
  });
});

describe("changes of a file", () => {
  it("are seen when lnd renames a new one into place", async () => {
    await using setup = await fileSetup();
    await renameInto(setup.path, backup());
    await using follower = new Follower(setup.source);
    await until("the start", () => follower.reasons.length === 1);
    for (let change = 1; change <= 3; change++) {
      await renameInto(setup.path, backup());
      await until("the change", () => follower.reasons.length === 1 + change);
    }
    assert.deepEqual(follower.reasons, ["start", "file-changed", "file-changed", "file-changed"]);
    assert.deepEqual(setup.heard.troubles, []);
  });

  it("are seen by polls where nobody reports them", async () => {
    await using setup = await fileSetup({ pollIntervalMs: 40 });
    // The folder comes after the source looked at it, and is never reported by anyone.
    await rm(dirname(setup.path), { recursive: true });
    await using follower = new Follower(setup.source);
    await until("trouble", () => setup.heard.troubles.length > 0);
    assert.equal(setup.heard.troubles[0]?.code, "io");
    assert.deepEqual(follower.reasons, []);
    await mkdir(dirname(setup.path));
    await renameInto(setup.path, backup());
    await until("the start", () => follower.reasons.length === 1);
    assert.equal(setup.heard.recoveries, 1);
    await rename(dirname(setup.path), `${dirname(setup.path)}.old`);
    await mkdir(dirname(setup.path));
    await renameInto(setup.path, backup());
    await until("the change in the new folder", () => follower.reasons.includes("file-changed"));
  });

  it("are watched in the folder that replaced the old one", async () => {
    await using setup = await fileSetup({ pollIntervalMs: 1_500 });
    await renameInto(setup.path, backup());
    await using follower = new Follower(setup.source);
    await until("the start", () => follower.reasons.length === 1);
    await rename(dirname(setup.path), `${dirname(setup.path)}.old`);
    await mkdir(dirname(setup.path));
    await renameInto(setup.path, backup());
    await until("a poll", () => follower.reasons.length === 2);
    await renameInto(setup.path, backup());
    await until("the change, sooner than a poll", () => follower.reasons.length === 3, 1_000);
  });

  it("are none when only the times change, or the same bytes are written again", async () => {
    await using setup = await fileSetup({ pollIntervalMs: 30 });
    const packed = backup();
    await renameInto(setup.path, packed);
    await using follower = new Follower(setup.source);
    await until("the start", () => follower.reasons.length === 1);
    await utimes(setup.path, 1, 1);
    await delay(150);
    await renameInto(setup.path, packed);
    await delay(150);
    assert.deepEqual(follower.reasons, ["start"]);
  });

  it("wait for a file that is not there yet", async () => {
    await using setup = await fileSetup();
    await using follower = new Follower(setup.source);
    await until("trouble", () => setup.heard.troubles.length > 0);
    await renameInto(setup.path, backup());
    await until("the start", () => follower.reasons.length === 1);
    assert.deepEqual([follower.reasons, setup.heard.recoveries], [["start"], 1]);
  });

  it("are none while the file is cut off, and come when it is whole again", async () => {
    await using setup = await fileSetup();
    const packed = backup();
    await renameInto(setup.path, packed);
    await using follower = new Follower(setup.source);
    await until("the start", () => follower.reasons.length === 1);
    await truncate(setup.path, 44);
    await until("trouble", () => setup.heard.troubles.length > 0);
    assert.equal(setup.heard.troubles[0]?.code, "decode");
    await renameInto(setup.path, packed);
    await until("the recovery", () => setup.heard.recoveries === 1);
    await until("a snapshot to make sure", () => follower.reasons.length === 2);
    assert.deepEqual(follower.reasons, ["start", "reconnected"]);
  });

  it("end at once when the source is closed", async () => {
    await using setup = await fileSetup();
    const follower = new Follower(setup.source);
    await until("trouble", () => setup.heard.troubles.length > 0);
    await setup.source.close();
    await setup.source.close();
    await follower[Symbol.asyncDispose]();
  });
});
