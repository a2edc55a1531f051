import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { collectFolder } from "../../src/checks/collect.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { makeDemoPeer, openDemoChannel } from "../../src/node/demo-channel.ts";
import { alsoNeeded, fetchAlso } from "../../src/recovery/restore/also-backups.ts";
import { newestClaim } from "../../src/recovery/restore/newest.ts";
import type { AlsoRestore } from "../../src/repository/also-restore.ts";
import { fetchBackup } from "../../src/repository/fetch-backup.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { swapNaming } from "../support/also-restore.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { candidateOf, makeSwapper, packedBytes, swapOnce } from "../support/mirror-fixture.ts";

const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
const otherKey = backupKeyEncrypter(new Uint8Array(32).fill(8), systemRandom);
const now = Date.UTC(2026, 0, 1);

const someSingle = (): Single =>
  newSingle(openDemoChannel(makeDemoPeer(systemRandom), 500_000, systemRandom));
const pack = (singles: readonly Single[], key = encrypter): Uint8Array =>
  packMulti({ version: 0, staticBackups: singles }, key);
const pointOf = ({ fundingOutpoint }: Single): string => formatOutPoint(fundingOutpoint);

/** Three versions: the first two hold a channel each that has closed, and the pointer names both. */
async function limboStore() {
  const store = new MemoryStore();
  const [first, second, open] = [someSingle(), someSingle(), someSingle()];
  const swapper = makeSwapper(store, { clock: hastyClock({ startMs: now }) });
  const also: AlsoRestore[] = [];
  for (const single of [first, second]) {
    const { key, sha256 } = await swapOnce(swapper, pack([single, open]));
    also.push({ key, sha256, channelPoints: [pointOf(single)] });
  }
  const current = await swapNaming(swapper, also, pack([open]));
  return { store, swapper, also, current };
}

const keysOf = (also: readonly AlsoRestore[]): readonly string[] => also.map(({ key }) => key);

async function neededFor(store: ObjectStore, which: string): Promise<readonly AlsoRestore[]> {
  return alsoNeeded({ store }, await fetchBackup({ store, which }));
}

describe("what a restore needs besides", () => {
  it("is what the pointer names, whichever version is chosen, but for that one itself", async () => {
    const { store, swapper, also } = await limboStore();
    assert.deepEqual(await neededFor(store, "latest"), also);
    assert.deepEqual(keysOf(await neededFor(store, "1")), keysOf(also.slice(1)));
    await swapNaming(swapper, also.slice(0, 1));
    assert.deepEqual(await neededFor(store, "3"), also.slice(0, 1));
    await swapNaming(swapper, []);
    assert.deepEqual(await neededFor(store, "3"), [], "resolved since");
  });

  it("is what a version beyond the pointer names, too", async () => {
    const { store, swapper, also, current } = await limboStore();
    const faulty = new FaultyStore(store);
    faulty.fail("put", /^latest/, "store-denied");
    const cut = makeSwapper(faulty);
    const operation = await cut.begin(await swapper.base(), candidateOf(packedBytes()));
    const more = { key: current.key, sha256: null, channelPoints: [] };
    await assert.rejects(cut.advance({ ...operation, alsoRestore: [...also, more] }), {
      code: "store-denied",
    });
    assert.deepEqual(keysOf(await neededFor(store, operation.key)), [...keysOf(also), current.key]);
    assert.deepEqual(await neededFor(store, "latest"), also);
  });

  for (const [name, harm] of [
    ["lost", (store: ObjectStore) => store.delete("latest.json")],
    ["damaged", (store: ObjectStore) => store.put("latest.json", Buffer.from("{"))],
  ] as const) {
    it(`is what the newest version says of itself, if the pointer is ${name}`, async () => {
      const { store, also, current } = await limboStore();
      await harm(store);
      assert.deepEqual(keysOf(await neededFor(store, current.key)), keysOf(also));
      assert.deepEqual(keysOf(await neededFor(store, "1")), keysOf(also.slice(1)));
    });
  }
});

describe("fetching what a restore needs besides", () => {
  it("checks each, and opens it with a key", async () => {
    const { store, also } = await limboStore();
    for (const key of [undefined, encrypter]) {
      const fetched = await fetchAlso({ store, encrypter: key }, also);
      assert.deepEqual(
        fetched.map(({ backup, error }) => [backup?.key, backup?.verified, error]),
        also.map(({ key: its }) => [its, { hash: true, decrypted: key !== undefined }, null]),
      );
    }
  });

  const harms: readonly {
    readonly name: string;
    readonly harm: (store: FaultyStore, key: string) => Promise<unknown>;
    readonly code: string;
    readonly withKey?: boolean;
  }[] = [
    { name: "is gone", harm: (store, key) => store.delete(key), code: "not-found" },
    {
      name: "holds other bytes, its metadata adjusted",
      harm: (store, key) => store.put(key, packedBytes(), { metadata: {} }),
      code: "version-damaged",
    },
    {
      name: "may not be read",
      harm: async (store, key) => store.fail("get", new RegExp(`^${key}`), "store-denied"),
      code: "store-denied",
    },
  ];
  for (const { name, harm, code } of harms) {
    it(`one that ${name} keeps the other from nothing`, async () => {
      const { store, also } = await limboStore();
      const faulty = new FaultyStore(store);
      await harm(faulty, also[0]?.key ?? "");
      const fetched = await fetchAlso({ store: faulty }, also);
      assert.deepEqual(
        fetched.map(({ backup, error }) => [backup?.key ?? null, error?.code ?? null]),
        [
          [null, code],
          [also[1]?.key, null],
        ],
      );
    });
  }

  it("one that the key doesn't open, or that lacks the channel, is told", async () => {
    const { store, swapper } = await limboStore();
    const single = someSingle();
    const sealed = await swapOnce(swapper, pack([single], otherKey));
    const other = await swapOnce(swapper, pack([someSingle()]));
    const named = [sealed, other].map(({ key, sha256 }) => {
      return { key, sha256, channelPoints: [pointOf(single)] };
    });
    const fetched = await fetchAlso({ store, encrypter }, named);
    assert.deepEqual(
      fetched.map(({ backup, error }) => [backup !== null, error?.code]),
      [
        [false, "decrypt"],
        [true, "version-damaged"],
      ],
    );
    assert.match(fetched[1]?.error?.message ?? "", new RegExp(pointOf(single)));
  });

  it("a stop is a stop", async () => {
    const { store, also } = await limboStore();
    const faulty = new FaultyStore(store);
    faulty.fail("get", /^versions/, "aborted");
    await assert.rejects(fetchAlso({ store: faulty }, also), { code: "aborted" });
  });
});

describe("that a version is the newest", () => {
  const claimOf = async (store: ObjectStore, key: string, at = now + 60_000) => {
    const { folder } = await collectFolder({ store, node: "n", now: at });
    return newestClaim(key, folder, at);
  };

  it("is said of the current one, however old, and of no other", async () => {
    const { store, current, also } = await limboStore();
    for (const at of [now + 60_000, now + 5 * 365 * 86_400_000]) {
      assert.equal((await claimOf(store, current.key, at)).isNewest, true);
      assert.equal((await claimOf(store, also[0]?.key ?? "", at)).isNewest, false);
    }
  });

  const cases: readonly {
    readonly name: string;
    readonly harm: (
      parts: Awaited<ReturnType<typeof limboStore>> & { faulty: FaultyStore },
    ) => Promise<unknown>;
    readonly at?: number;
  }[] = [
    {
      name: "anything lies beyond the pointer, though it was uploaded a moment ago",
      harm: async ({ faulty, swapper }) => {
        const cut = makeSwapper(faulty, { clock: hastyClock({ startMs: now }) });
        const operation = await cut.begin(await swapper.base(), candidateOf(packedBytes()));
        faulty.fail("put", /^latest/, "store-denied");
        await assert.rejects(cut.advance(operation), { code: "store-denied" });
      },
      at: Date.now(),
    },
    {
      name: "what lies beyond the pointer could not be listed",
      harm: async ({ faulty }) => faulty.fail("list", /^versions/, "store-denied", { times: 9 }),
    },
    {
      name: "it was saved at a time that is later than now",
      harm: () => Promise.resolve(),
      at: now - 2 * 365 * 86_400_000,
    },
    {
      name: "a version that it needs besides is gone",
      harm: ({ store, also }) => store.delete(also[0]?.key ?? ""),
    },
    {
      name: "a guard holds a newer one back",
      harm: async ({ swapper }) => assert.rejects(swapOnce(swapper, pack([])), { code: "refused" }),
    },
  ];
  for (const { name, harm, at } of cases) {
    it(`is not said if ${name}`, async () => {
      const world = await limboStore();
      const faulty = new FaultyStore(world.store);
      await harm({ ...world, faulty });
      const claim = await claimOf(faulty, world.current.key, at);
      assert.equal(claim.isNewest, false);
    });
  }
});
