import assert from "node:assert/strict";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import type { NodeChannels } from "../../src/chanbackup/node-channels.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { BackupHistory } from "../../src/checks/backup-history.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { openOffsiteSwapper } from "../../src/mirror/offsite-swapper.ts";
import { demoChannel } from "../../src/node/demo-channel.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";

const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(3));
const logger = silentLogger;
const node = "me";
const channels = Array.from({ length: 4 }, () => newSingle(demoChannel()));
const pointsOf = (singles: readonly Single[]): string[] =>
  singles.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));

/** Saves one version after the other: with one channel, with two, and so on. */
async function saved(to: string | ObjectStore, versions: number): Promise<void> {
  await using swapper = await openOffsiteSwapper({ to, node, encrypter, logger });
  for (let count = 1; count <= versions; count += 1) {
    await swapper.extractMulti(encrypter);
    const staticBackups = channels.slice(0, count);
    await swapper.updateAndSwap(packMulti({ version: 0, staticBackups }, encrypter));
  }
}

/** A store that takes note of whatever would change something. */
function watched(store: ObjectStore) {
  const changes: string[] = [];
  const reading: ObjectStore = {
    location: store.location,
    conditions: store.conditions,
    get: (key, options) => store.get(key, options),
    head: (key, options) => store.head(key, options),
    list: (prefix, options) => store.list(prefix, options),
    listFolders: (prefix, options) => store.listFolders(prefix, options),
    put: async (key) => {
      changes.push(`put ${key}`);
      return { etag: "" };
    },
    delete: async (key) => void changes.push(`delete ${key}`),
    close: async () => void changes.push("close"),
  };
  return { reading, changes };
}

describe("a BackupHistory", () => {
  it("lists, fetches and judges, and never writes, nor closes what it did not open", async () => {
    const store = new MemoryStore();
    await saved(store, 3);
    const { reading, changes } = watched(store);
    const history = await BackupHistory.open({ to: reading, node, encrypter, logger });
    const entries = await history.list();
    assert.deepEqual(
      entries.map(({ sequence, current, orphan }) => ({ sequence, current, orphan })),
      [3, 2, 1].map((sequence) => ({ sequence, current: sequence === 3, orphan: false })),
    );
    assert.equal((await history.list({ limit: 1 })).length, 1);
    const latest = await history.latest();
    assert.deepEqual(pointsOf(latest.singles ?? []).sort(), pointsOf(channels.slice(0, 3)).sort());
    assert.deepEqual(latest.verified, { hash: true, decrypted: true });
    assert.equal((await history.fetch(2)).channels, 2);
    assert.equal((await history.fetch(entries[2]?.key ?? "")).channels, 1);
    assert.equal((await history.at(new Date(Date.now() + 1000))).sequence, 3);
    assert.equal((await history.status()).verdict, "safe");
    const report = await history.verify();
    assert.deepEqual([report.ok, report.checked, report.openedBy], [true, 3, "key"]);
    await history.close();
    await history.close();
    assert.deepEqual(changes, []);
  });

  it("that lives long sees what others have saved, and that all of it is gone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-history-"));
    try {
      const to = pathToFileURL(join(folder, "store")).href;
      await saved(to, 1);
      await using history = await BackupHistory.open({ to, node, encrypter, logger });
      assert.equal((await history.latest()).sequence, 1);
      assert.equal((await history.status()).verdict, "safe");
      await saved(to, 1);
      assert.equal((await history.latest()).sequence, 2);
      assert.equal((await history.list()).length, 2);

      await rename(join(folder, "store", node), join(folder, "elsewhere"));
      await assert.rejects(history.latest(), { code: "not-found" });
      await assert.rejects(history.fetch(1), { code: "not-found" });
      assert.deepEqual(await history.list(), []);
      const { verdict, findings } = await history.status();
      assert.equal(verdict, "unsafe");
      assert.deepEqual(
        findings.map(({ code }) => code),
        ["no-backup"],
      );
      assert.equal((await history.verify()).ok, false);

      await rename(join(folder, "elsewhere"), join(folder, "store", node));
      assert.equal((await history.latest()).sequence, 2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("compares the backup with the channels that the program has", async () => {
    const store = new MemoryStore();
    await saved(store, 2);
    const asked = async (open: readonly Single[], closed: readonly Single[] = []) => {
      const node: NodeChannels = {
        openChannelPoints: async () => pointsOf(open).map((point) => point.toUpperCase()),
        closedChannelPoints: async () => pointsOf(closed),
      };
      const history = await BackupHistory.open({
        ...{ to: store, node: "me", encrypter, logger },
        channels: node,
      });
      const { verdict, findings } = await history.status();
      return [verdict, ...findings.map(({ code }) => code)];
    };
    assert.deepEqual(await asked(channels.slice(0, 2)), ["safe"]);
    assert.deepEqual(await asked(channels.slice(0, 3)), ["unsafe", "not-covered"]);
    assert.deepEqual(await asked(channels.slice(0, 1)), ["unknown", "unknown-channels"]);
    assert.deepEqual(await asked(channels.slice(0, 1), channels.slice(1, 2)), ["safe"]);
  });

  it("refuses wrong usage", async () => {
    const to = new MemoryStore();
    const wrong: readonly [string, Parameters<typeof BackupHistory.open>[0]][] = [
      ["node", { to, node: "../other" }],
      ["to", { to: "ftp://store", node }],
      ["maxAgeMs", { to, node, maxAgeMs: Number.NaN }],
      [
        "channels without a key",
        {
          ...{ to, node },
          channels: { openChannelPoints: async () => [], closedChannelPoints: async () => [] },
        },
      ],
    ];
    for (const [name, options] of wrong) {
      await assert.rejects(BackupHistory.open(options), { code: "usage" }, name);
    }
    const history = await BackupHistory.open({ to, node });
    await assert.rejects(history.at(Number.NaN), { code: "usage" });
    await assert.rejects(history.fetch(1.5), { code: "usage" });
  });
});
