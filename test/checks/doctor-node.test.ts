import assert from "node:assert/strict";
import { rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { type DoctorOptions, type DoctorReport, examine } from "../../src/checks/doctor/doctor.ts";
import { type LoadedKey, loadedKey } from "../../src/keychain/loaded-key.ts";
import { BackupFileSource } from "../../src/node/backup-file.ts";
import { fileCredentials } from "../../src/node/lnd/credentials.ts";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import type { LndConfig } from "../../src/node/lnd/lnd-config.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { fakePubkey, lndError, point, tlsFile } from "../node/fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "../node/fake-node.ts";
import { until } from "../node/source-probe.ts";
import { makeMacaroon } from "../support/make-macaroon.ts";
import { makeSwapper, packedBytes, swapOnce } from "../support/mirror-fixture.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { bindMount } from "../support/tmpfs.ts";

const least = lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`);
const day = 24 * 3600 * 1000;
const inDays = (days: number): string => new Date(Date.now() + days * day).toISOString();

async function setup(t: TestContext, permissions = least, conditions: readonly string[] = []) {
  const fake = await fakeSetup();
  t.after(() => fake[Symbol.asyncDispose]());
  fake.lnd.macaroon = makeMacaroon({ permissions, conditions });
  await writeFile(fake.macaroonPath, fake.lnd.macaroon);
  return fake;
}

/** Waits are ten times as short. */
const hurried: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
};

async function doctor(
  { lnd, macaroonPath }: FakeSetup,
  options: Partial<DoctorOptions> = {},
  network: LndConfig["network"] = "regtest",
): Promise<DoctorReport> {
  const credentials = fileCredentials(tlsFile("fake-lnd.cert.pem"), macaroonPath);
  const report = await examine({
    stores: [],
    nodeName: null,
    lnd: () => Promise.resolve({ address: lnd.address, credentials, network }),
    key: null,
    file: null,
    singleWriter: false,
    maxAgeMs: day,
    timeoutMs: 30_000,
    onCheck: () => undefined,
    clock: hurried,
    random: systemRandom,
    signal: new AbortController().signal,
    ...options,
  });
  const told = JSON.stringify(report);
  const secret = lnd.macaroon;
  for (const form of ["hex", "base64", "base64url"] as const) {
    assert.ok(!told.includes(secret.toString(form).slice(0, 40)), "the macaroon is not told");
    assert.ok(
      !told.includes(secret.subarray(-32).toString(form).slice(0, 16)),
      "nor its signature",
    );
  }
  return report;
}

const levels = (report: DoctorReport): Record<string, string> =>
  Object.fromEntries(report.checks.map(({ name, level }) => [name, level]));
const messageOf = (report: DoctorReport, name: string): string =>
  report.checks.find((check) => check.name === name)?.message ?? `no ${name}`;

const allGood = {
  "node-files": "good",
  "macaroon-needed": "good",
  "macaroon-excess": "good",
  "node-reach": "good",
  "node-network": "good",
  "node-wallet": "warning",
  "node-backup": "good",
  "node-channels": "good",
  "node-events": "good",
};

describe("doctor, on lnd", () => {
  it("finds nothing wrong with a good one", async (t) => {
    const fake = await setup(t);
    fake.lnd.open = [point(1)];
    fake.lnd.channelPoints = [point(1)];
    const report = await doctor(fake);
    // The fake one says nothing of the chain, so it counts as out of step.
    assert.deepEqual(levels(report), allGood);
    assert.equal(report.ok, true);
    await until("the stream to be closed", () => fake.lnd.streams.size === 0);
  });

  const macaroons: readonly {
    readonly name: string;
    readonly permissions?: readonly string[];
    readonly conditions?: readonly string[];
    readonly check: string;
    readonly level: string;
    readonly says: RegExp;
  }[] = [
    {
      name: "lacks two calls",
      permissions: least.slice(2),
      check: "macaroon-needed",
      level: "problem",
      says: /doesn't allow GetInfo, SubscribeChannelBackups: .*lncli bakemacaroon/,
    },
    {
      name: "may spend",
      permissions: [...least, "offchain:write", "onchain:write"],
      check: "macaroon-excess",
      level: "warning",
      says: /offchain:write, onchain:write.*spend.*lncli bakemacaroon/,
    },
    {
      name: "reads more",
      permissions: ["info:read", "offchain:read", "onchain:read"],
      check: "macaroon-excess",
      level: "warning",
      says: /can't change anything, but can read more.*onchain:read/,
    },
    {
      name: "has expired",
      conditions: [`time-before ${inDays(-1)}`],
      check: "macaroon-conditions",
      level: "problem",
      says: /expired at.*bake a new one/,
    },
    {
      name: "expires soon",
      conditions: [`time-before ${inDays(3)}`],
      check: "macaroon-conditions",
      level: "warning",
      says: /expires soon/,
    },
    {
      name: "is bound to an address",
      conditions: ["ipaddr 127.0.0.1"],
      check: "macaroon-conditions",
      level: "warning",
      says: /ipaddr 127\.0\.0\.1/,
    },
  ];
  for (const { name, permissions, conditions, check, level, says } of macaroons) {
    it(`reads from a macaroon that it ${name}`, async (t) => {
      const report = await doctor(await setup(t, [...(permissions ?? least)], conditions));
      assert.equal(levels(report)[check], level);
      assert.match(messageOf(report, check), says);
      assert.equal(report.ok, level !== "problem");
    });
  }

  it("asks lnd where a macaroon cannot be read", async (t) => {
    const fake = await setup(t);
    fake.lnd.macaroon = Buffer.concat([Buffer.from([2]), Buffer.alloc(60, 7)]);
    await writeFile(fake.macaroonPath, fake.lnd.macaroon);
    const report = await doctor(fake);
    assert.equal(levels(report)["macaroon-needed"], "unknown");
    assert.equal(levels(report)["node-reach"], "good");
  });

  it("says that the wallet is locked, and asks no more", async (t) => {
    const fake = await setup(t);
    fake.lnd.failures.set(
      "GetInfo",
      lndError("wallet locked, unlock it to enable full RPC access"),
    );
    const report = await doctor(fake);
    assert.match(messageOf(report, "node-reach"), /lncli unlock/);
    assert.equal(levels(report)["node-backup"], undefined);
    assert.equal(report.ok, false);
  });

  for (const [call, check] of [
    ["ExportAllChannelBackups", "node-backup"],
    ["VerifyChanBackup", "node-backup"],
    ["ListChannels", "node-channels"],
    ["PendingChannels", "node-channels"],
    ["ClosedChannels", "node-channels"],
    ["SubscribeChannelBackups", "node-events"],
  ] as const) {
    it(`names ${call} when it is denied`, async (t) => {
      const fake = await setup(t);
      fake.lnd.failures.set(call, new ConnectError("permission denied", Code.Unknown));
      const report = await doctor(fake, { clock: systemClock });
      assert.match(messageOf(report, check), new RegExp(`(?:doesn't|does not) allow ${call}`));
      assert.equal(levels(report)[check], "problem");
      assert.equal(report.ok, false);
    });
  }

  it("is done in time with an lnd that never answers", async (t) => {
    const fake = await setup(t);
    fake.lnd.hanging.add("ExportAllChannelBackups");
    const report = await doctor(fake, { timeoutMs: 20_000 });
    assert.match(messageOf(report, "node-backup"), /didn't finish within 20 s/);
  });

  it("refuses another network than the one that is named, and notes where none is", async (t) => {
    const fake = await setup(t);
    assert.match(messageOf(await doctor(fake, {}, "mainnet"), "node-reach"), /not on mainnet/);
    assert.equal(levels(await doctor(fake, {}, null))["node-network"], "unknown");
  });

  it("compares what the store holds with what the node has", async (t) => {
    const fake = await setup(t);
    fake.lnd.open = [point(1), point(2)];
    fake.lnd.channelPoints = fake.lnd.open;
    const packed = fake.lnd.pack([point(1)]);
    const store = new MemoryStore();
    const stores = [{ name: "memory:", store }];
    const swapper = makeSwapper(prefixedStore(store, fakePubkey), { clock: systemClock });
    await swapOnce(swapper, packed);
    const gap = await doctor(fake, { stores });
    assert.equal(levels(gap)["cover"], "problem");
    assert.match(messageOf(gap, "cover"), /1 of the node's 2 channels/);
    assert.equal(levels(gap)["backup"], "good");

    await swapOnce(swapper, fake.lnd.pack(fake.lnd.open));
    assert.equal(levels(await doctor(fake, { stores }))["cover"], "good");

    fake.lnd.forceClosing = [point(3)];
    fake.lnd.limboSat.set(point(3), 2_977_655n);
    const limbo = await doctor(fake, { stores });
    assert.equal(levels(limbo)["cover"], "problem");
    assert.match(messageOf(limbo, "cover"), /^limbo-not-covered: 2977655 sat/);
    assert.equal(levels(limbo)["backup"], "good");
  });
});

describe("doctor, on a key and a file", () => {
  const options = { lnd: null };

  it("says of a key that it is another node's", async (t) => {
    const fake = await setup(t);
    const store = new MemoryStore();
    const stores = [{ name: "memory:", store }];
    await swapOnce(makeSwapper(prefixedStore(store, "a"), { clock: systemClock }));
    const key: LoadedKey = {
      kind: "backup-key",
      network: "regtest",
      identityPubkey: null,
      warnings: [],
      backupKey: () => "",
      encrypter: {
        encrypt: () => packedBytes(),
        decrypt: () => {
          throw new ScbError("decrypt", "message authentication failed");
        },
      },
    };
    const report = await doctor(fake, { ...options, stores, nodeName: "a", key: async () => key });
    assert.equal(levels(report)["key"], "good");
    assert.match(messageOf(report, "key-opens-backup"), /authentication failed/);
    assert.equal(report.ok, false);
  });

  it("warns of a key that can spend", async (t) => {
    const fake = await setup(t);
    const key = () =>
      loadedKey(
        {
          kind: "words",
          network: "regtest",
          identityPubkey: fakePubkey,
          warnings: ["others may read the file"],
          backupKey: new Uint8Array(32),
        },
        systemRandom,
      );
    const report = await doctor(fake, { ...options, key: () => Promise.resolve(key()) });
    assert.equal(levels(report)["key"], "warning");
    assert.match(messageOf(report, "key"), /can also spend.*others may read the file/);
  });

  it("says that the key file cannot be used, and looks at the rest", async (t) => {
    const fake = await setup(t);
    const key = () => Promise.reject(new ScbError("key", "the checksum of the words is wrong"));
    const stores = [{ name: "memory:", store: new MemoryStore() }];
    const report = await doctor(fake, { ...options, stores, nodeName: "a", key });
    assert.match(messageOf(report, "key"), /checksum/);
    assert.equal(levels(report)["store-probe"], "good");
  });

  it("looks at a file, and does not claim to know what is in it", async (t) => {
    const fake = await setup(t);
    const path = join(fake.folder, "channel.backup");
    const file = () =>
      new BackupFileSource({
        path,
        observer: { trouble: () => undefined, recovered: () => undefined },
        clock: systemClock,
      });
    assert.equal(levels(await doctor(fake, { ...options, file }))["node-file"], "problem");
    await writeFile(path, packedBytes());
    await utimes(path, 1_700_000_000, 1_700_000_000);
    const report = await doctor(fake, { ...options, file });
    assert.deepEqual(levels(report), { "node-file": "unknown" });
    assert.match(messageOf(report, "node-file"), /written 2023-11-14T22:13:20/);
  });

  it("looks at a file and a store that holds it", async (t) => {
    const fake = await setup(t);
    const path = join(fake.folder, "channel.backup");
    const packed = packedBytes();
    await writeFile(path, packed);
    const store = new MemoryStore();
    await swapOnce(makeSwapper(prefixedStore(store, "alice")), packed);
    const file = () =>
      new BackupFileSource({
        path,
        observer: { trouble: () => undefined, recovered: () => undefined },
        clock: systemClock,
      });
    const stores = [{ name: "memory", store }];
    const report = await doctor(fake, { ...options, file, stores, nodeName: "alice" });
    assert.equal(levels(report)["node-file"], "unknown");
    assert.ok("backup" in levels(report), JSON.stringify(report));
  });

  it("warns of a file that alone is mounted, and finds one that lnd has replaced since", async (t) => {
    const fake = await setup(t);
    const original = join(fake.folder, "channel.backup");
    const path = join(fake.folder, "mounted.backup");
    await writeFile(original, packedBytes());
    await using mount = await bindMount(original, path);
    if (mount === null) return skipWithoutRoot(t);
    const file = () =>
      new BackupFileSource({
        path,
        observer: { trouble: () => undefined, recovered: () => undefined },
        clock: systemClock,
      });
    const report = await doctor(fake, { ...options, file });
    assert.equal(levels(report)["node-file-mount"], "warning");
    assert.match(messageOf(report, "node-file-mount"), /mount its folder/);
    assert.equal(report.ok, true);

    await writeFile(`${original}.new`, packedBytes());
    await rename(`${original}.new`, original);
    const later = await doctor(fake, { ...options, file });
    assert.match(messageOf(later, "node-file"), /lnd has replaced this file/);
    assert.equal(later.ok, false);
  });
});
