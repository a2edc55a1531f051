import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import { type Single, singleVersions } from "../../src/chanbackup/single.ts";
import type { LimboChannel, NodeWitness } from "../../src/chanbackup/snapshot.ts";
import { runDrill } from "../../src/checks/drill/drill.ts";
import { checkStatus } from "../../src/checks/status.ts";
import { verifyHistory } from "../../src/checks/verify.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { alsoRestoreToMetadata } from "../../src/repository/also-restore.ts";
import { quarantineKeys, versionKey } from "../../src/repository/layout.ts";
import { type Attestation, attest } from "../../src/repository/mirror-record.ts";
import { newOperationId } from "../../src/repository/operation-id.ts";
import { recordRestore } from "../../src/repository/restore-record.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { liveOf, pointOf, singleOf } from "../support/drill-world.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const yearMs = 365 * 24 * hourMs;
const key = backupKeyEncrypter(Buffer.alloc(32, 0x5a), systemRandom);
const otherKey = backupKeyEncrypter(Buffer.alloc(32, 1), systemRandom);
const alice = `02${"a1".repeat(32)}`;
const bob = `03${"b0".repeat(32)}`;
const one = singleOf(singleVersions.anchorsZeroFeeHtlcTxCommit);
const two = singleOf(singleVersions.simpleTaproot);
const three = singleOf(singleVersions.scriptEnforcedLease);
const limboSat = 2_977_655;

/** A node's folder on a clock that the test moves, and the node. At first all is well with both. */
type Attesting = Partial<Attestation> & { readonly aheadMs?: number; readonly steps?: number };

class World {
  nowMs = Date.UTC(2026, 5, 1);
  node = "alice";
  pubkey: string | null = null;
  open: readonly Single[] = [one, two];
  restored: readonly Single[] = [];
  limbo: readonly Single[] = [];
  closed: readonly Single[] = [];
  readonly clock = {
    now: () => this.nowMs,
    monotonicMs: () => this.nowMs,
    sleep: async (ms: number) => {
      this.nowMs += ms;
    },
  };
  readonly store = new MemoryStore(new Map(), this.clock);

  /** Saves a version, by a mirror whose clock is `aheadMs` ahead; its pointer as `pointer` changes it. */
  async save(singles: readonly Single[], { aheadMs = 0 } = {}): Promise<string> {
    const clock = { ...this.clock, now: () => this.nowMs + aheadMs };
    const swapper = makeSwapper(this.store, { clock });
    const candidate = candidateOf(packed(singles), singles.map(pointOf));
    const { key: saved } = await swapper.advance(
      await swapper.begin(await swapper.base(), candidate),
    );
    this.nowMs += minuteMs;
    return saved;
  }

  async changePointer(change: Readonly<Record<string, unknown>>): Promise<void> {
    const object = await this.store.get("latest.json");
    const pointer = JSON.parse(new TextDecoder().decode(object?.bytes));
    await this.store.put("latest.json", json({ ...pointer, ...change }));
  }

  /** Names these channels of an older version as what a restore needs besides. */
  async nameAlso(also: string, singles: readonly Single[]): Promise<void> {
    const sha256 = sha256Hex((await this.store.get(also))?.bytes ?? new Uint8Array());
    const alsoRestore = [{ key: also, sha256, channelPoints: singles.map(pointOf) }];
    await this.changePointer({ schema: 2, alsoRestore });
  }

  /** As `save`, into a folder without a pointer. */
  async saveNewest(singles: readonly Single[]): Promise<void> {
    const swapper = makeSwapper(this.store, { clock: this.clock, singleWriter: true });
    await swapOnce(swapper, packed(singles));
    this.nowMs += minuteMs;
  }

  /** As a copy of the folder: what was written when is the time of the copy. */
  async copy(): Promise<void> {
    for (const name of await keysOf(this.store)) {
      const { bytes = new Uint8Array(), metadata = {} } = (await this.store.get(name)) ?? {};
      await this.store.put(name, bytes, { metadata });
    }
  }

  /** Writes over an object, and keeps what is said beside it. */
  async overwrite(name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    const object = await this.store.get(name);
    const { bytes = new Uint8Array(), metadata = {} } = object ?? {};
    await this.store.put(name, change(bytes), { metadata });
  }

  /** An id of the time that is so much later than now. */
  id(aheadMs = 0): string {
    return newOperationId({ ...this.clock, now: () => this.nowMs + aheadMs }, systemRandom);
  }

  async drilled(ok: boolean, aheadMs = 0): Promise<void> {
    const at = new Date(this.nowMs + aheadMs).toISOString();
    const verdict = ok ? "would-restore" : "would-not-restore";
    const record = { schema: 1, at, ok, verdict, version: null };
    await this.store.put(`drills/${this.id(aheadMs)}.json`, json(record));
  }

  /** A mirror says that it lives, and that it has read back what is current. */
  async attested({ aheadMs = 0, steps = 0, ...change }: Attesting = {}): Promise<void> {
    const pointer = JSON.parse(
      new TextDecoder().decode((await this.store.get("latest.json"))?.bytes),
    );
    const at = new Date(this.nowMs + aheadMs).toISOString();
    const sequence = pointer.sequence + steps;
    const { key: saved, sha256 } = pointer.version;
    await attest(this.store, this.id(), {
      state: "running",
      at,
      nodeSeenAt: at,
      version: { key: saved, sequence, sha256 },
      intervalMs: 5 * minuteMs,
      writer: "w",
      ...change,
    });
  }

  async refused(
    base: { key: string; sequence: number } | null,
    { aheadMs = 0, explained = true } = {},
  ): Promise<void> {
    const operation = this.id(aheadMs);
    const { backup, why } = quarantineKeys(operation);
    await this.store.put(backup, packed([]));
    if (!explained) return;
    const reason = {
      ...{ schema: 1, operation, refusedAt: new Date(this.nowMs).toISOString() },
      ...{ code: "empty", message: "it is empty", sizeBytes: 45, sha256: "0".repeat(64) },
      base: base && { ...base, sha256: "1".repeat(64) },
    };
    await this.store.put(why, json(reason));
  }

  /** Uploads the version after the current one, as a mirror that dies before it moves the pointer. */
  async uploadNext(sequence: number): Promise<void> {
    await this.store.put(versionKey(sequence, this.id()), packed([one, two, three]));
  }

  get witness(): NodeWitness {
    const limbo = this.limbo.map(
      (single): LimboChannel => ({
        channelPoint: pointOf(single),
        limboSat,
        maturityHeight: 850_144,
      }),
    );
    const closed = [...this.closed, ...this.limbo].map(pointOf);
    const channels = [
      ...this.open.map((single) => liveOf(single)),
      ...this.restored.map((single) => liveOf(single, { state: "restored", localBalanceSat: 0 })),
      ...this.limbo.map((single) =>
        liveOf(single, {
          state: "closing",
          localBalanceSat: limboSat,
          maturityHeight: 850_144,
        }),
      ),
    ];
    return {
      openChannelPoints: async () => this.open.map(pointOf),
      restoredChannelPoints: async () => this.restored.map(pointOf),
      limboChannels: async () => limbo,
      closedChannelPoints: async () => closed,
      channelPointsOf: async (bytes) => unpackMulti(bytes, key).staticBackups.map(pointOf),
      survey: async () => ({
        channels,
        closed: { known: true, value: new Set(closed) },
        peers: { known: true, value: new Map() },
        announced: { known: true, value: new Map() },
      }),
    };
  }
}

function packed(singles: readonly Single[], by = key): Uint8Array {
  return packMulti({ version: 0, staticBackups: singles }, by);
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Who is asked: the key opens what it opens, the node tells its channels. */
type Asks = "nobody" | "key" | "other key" | "node";
type Verdict = "safe" | "unsafe" | "unknown";
/** Its exit code is 0 for "safe" and 3 for the others. */
type Expected = readonly [verdict: Verdict, ...codes: string[]];

interface Case {
  readonly name: string;
  readonly arrange: (world: World) => Promise<unknown>;
  readonly asks?: Asks;
  readonly status?: Expected;
  readonly drill?: Expected;
  readonly verify?: Expected;
}

const saved = (world: World) => world.save([one, two]);

/** Three versions, and the pointer to the first of them again. */
async function olderPointer(world: World): Promise<void> {
  await saved(world);
  const old = await world.store.get("latest.json");
  await saved(world);
  await saved(world);
  await world.store.put("latest.json", old?.bytes ?? new Uint8Array());
}

/** The node has force closed `three`: the first version holds it, and the current one no more. */
async function closedChannel(world: World): Promise<string> {
  const older = await world.save([one, two, three]);
  await saved(world);
  world.limbo = [three];
  return older;
}

async function heldByOlder(world: World): Promise<string> {
  const older = await closedChannel(world);
  await world.nameAlso(older, [three]);
  return older;
}

const flip = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte));

const cases: readonly Case[] = [
  {
    name: "all is well",
    arrange: saved,
    asks: "node",
    status: ["safe"],
    drill: ["safe"],
    verify: ["safe"],
  },
  {
    name: "all is well, by the store alone",
    arrange: saved,
    asks: "nobody",
    status: ["safe"],
    drill: ["unknown", "not-opened"],
    verify: ["safe"],
  },

  // In flight, for minutes.
  {
    name: "the next version was uploaded a minute ago",
    arrange: async (world) => {
      await saved(world);
      await world.uploadNext(2);
      world.nowMs += minuteMs;
    },
    asks: "key",
    status: ["safe"],
    drill: ["safe"],
  },
  {
    name: "the next version was uploaded 19 hours ago, and the pointer never moved",
    arrange: async (world) => {
      await saved(world);
      await world.uploadNext(2);
      world.nowMs += 19 * hourMs;
    },
    asks: "key",
    status: ["unsafe", "version-beyond"],
    drill: ["unknown", "version-beyond"],
    verify: ["unsafe", "version-beyond"],
  },
  {
    name: "the same, and the node says that the current version holds all that it has",
    arrange: async (world) => {
      await saved(world);
      await world.uploadNext(2);
      world.nowMs += 19 * hourMs;
    },
    asks: "node",
    status: ["unsafe", "version-beyond"],
    drill: ["safe", "version-beyond"],
  },
  {
    name: "somebody restored an older pointer",
    arrange: olderPointer,
    asks: "key",
    status: ["unsafe", "pointer-behind"],
    drill: ["unknown", "pointer-behind"],
    verify: ["unsafe", "pointer-behind"],
  },

  {
    name: "the same, in a copy of the folder with fresh times",
    arrange: async (world) => {
      await saved(world);
      await world.uploadNext(2);
      world.nowMs += 19 * hourMs;
      await world.copy();
    },
    asks: "key",
    status: ["unsafe", "version-beyond"],
    drill: ["unknown", "version-beyond"],
    verify: ["unsafe", "version-beyond"],
  },
  {
    name: "a copy with fresh times of a folder without a pointer, whose mirror stopped long ago",
    arrange: async (world) => {
      await world.saveNewest([one, two]);
      world.nowMs += 48 * hourMs;
      await world.copy();
    },
    asks: "key",
    status: ["unsafe", "stale"],
    drill: ["unknown", "stale"],
  },
  {
    name: "pointer and versions were deleted, and the mark of the first commit is left",
    arrange: async (world) => {
      await world.store.delete(await saved(world));
      await world.store.delete("latest.json");
    },
    status: ["unsafe", "pointer-lost"],
    verify: ["unsafe", "pointer-lost"],
  },

  // Times that can't be.
  {
    name: "one swap by a clock two years ahead, and then no mirror for two days",
    arrange: async (world) => {
      await world.save([one, two], { aheadMs: 2 * yearMs });
      world.nowMs += 48 * hourMs;
    },
    asks: "key",
    status: ["unsafe", "stale", "time-in-future"],
    drill: ["unknown", "stale", "time-in-future"],
    verify: ["safe", "time-in-future"],
  },
  {
    name: "one swap while this clock and the store's were two years ahead",
    arrange: async (world) => {
      await saved(world);
      world.nowMs += 2 * yearMs;
      await saved(world);
      world.nowMs -= 2 * yearMs;
    },
    asks: "key",
    status: ["unknown", "time-in-future"],
    drill: ["unknown", "time-in-future"],
    verify: ["unknown", "time-in-future"],
  },
  {
    name: "20 drills of two years ahead, and one that failed since",
    arrange: async (world) => {
      await saved(world);
      for (let n = 0; n < 20; n += 1) await world.drilled(true, 2 * yearMs + n * minuteMs);
      world.nowMs += minuteMs;
      await world.drilled(false);
    },
    status: ["unsafe", "drill-failed"],
  },
  {
    name: "a drill that failed, by a clock two years ahead, and one that succeeded since",
    arrange: async (world) => {
      await saved(world);
      await world.drilled(false, 2 * yearMs);
      world.nowMs += minuteMs;
      await world.drilled(true);
    },
    status: ["safe"],
  },
  {
    name: "a drill that succeeded, and one that failed since, by a clock two years ahead",
    arrange: async (world) => {
      await saved(world);
      await world.drilled(true);
      world.nowMs += minuteMs;
      await world.drilled(false, 2 * yearMs);
    },
    status: ["unsafe", "drill-failed"],
  },
  {
    name: "a drill that succeeded, and one since while this clock and the store's were two years ahead",
    arrange: async (world) => {
      await saved(world);
      await world.drilled(true);
      world.nowMs += 2 * yearMs;
      await world.drilled(false);
      world.nowMs -= 2 * yearMs;
    },
    status: ["unknown", "drill-failed"],
  },
  {
    name: "a mirror that has said a minute ago that it lives",
    arrange: async (world) => {
      await saved(world);
      await world.attested();
      world.nowMs += minuteMs;
    },
    status: ["safe"],
    asks: "nobody",
  },
  {
    name: "a mirror that has said nothing for 16 minutes",
    arrange: async (world) => {
      await saved(world);
      await world.attested();
      world.nowMs += 16 * minuteMs;
    },
    asks: "nobody",
    status: ["unknown", "mirror-silent"],
  },
  {
    name: "one that died, and another that lives",
    arrange: async (world) => {
      await saved(world);
      await world.attested();
      world.nowMs += hourMs;
      await world.attested();
    },
    asks: "nobody",
    status: ["safe"],
  },
  {
    name: "one that lives, and one that was stopped since",
    arrange: async (world) => {
      await saved(world);
      await world.attested();
      world.nowMs += minuteMs;
      await world.attested({ state: "stopped" });
    },
    asks: "nobody",
    status: ["safe"],
  },
  {
    name: "one that was stopped 16 minutes ago, though it spoke once an hour",
    arrange: async (world) => {
      await saved(world);
      await world.attested({ state: "stopped", intervalMs: hourMs });
      world.nowMs += 16 * minuteMs;
    },
    asks: "nobody",
    status: ["unknown", "mirror-silent"],
  },
  {
    name: "one that speaks once an hour, 16 minutes ago",
    arrange: async (world) => {
      await saved(world);
      await world.attested({ intervalMs: hourMs });
      world.nowMs += 16 * minuteMs;
    },
    asks: "nobody",
    status: ["safe"],
  },
  {
    name: "one that died, by a clock two years ahead",
    arrange: async (world) => {
      await saved(world);
      await world.attested({ aheadMs: 2 * yearMs });
      world.nowMs += 16 * minuteMs;
    },
    asks: "nobody",
    status: ["unknown", "mirror-silent"],
  },
  {
    name: "a silence, where the node says itself that all of it is saved",
    arrange: async (world) => {
      await saved(world);
      await world.attested();
      world.nowMs += hourMs;
    },
    asks: "node",
    status: ["safe", "mirror-silent"],
  },
  {
    name: "a mirror that has read back a later sequence than is current",
    arrange: async (world) => {
      await saved(world);
      await world.attested({ steps: 3 });
    },
    asks: "nobody",
    status: ["unsafe", "went-back"],
  },
  {
    name: "the same, before somebody has made another one current",
    arrange: async (world) => {
      await saved(world);
      await world.attested({ steps: 3 });
      world.nowMs += minuteMs;
      await saved(world);
    },
    asks: "nobody",
    status: ["safe"],
  },
  {
    name: "20 refusals of two years ahead that stand no more, and one that does",
    arrange: async (world) => {
      const first = await saved(world);
      for (let n = 0; n < 20; n += 1) {
        await world.refused({ key: first, sequence: 1 }, { aheadMs: 2 * yearMs + n * minuteMs });
      }
      await saved(world);
      await world.refused(null);
    },
    asks: "key",
    status: ["unsafe", "refused"],
    drill: ["unknown", "refused"],
  },
  {
    name: "the same before a swap by a clock two years ahead",
    arrange: async (world) => {
      const first = await world.save([one, two], { aheadMs: 2 * yearMs });
      await world.refused({ key: first, sequence: 1 });
    },
    status: ["unsafe", "refused", "time-in-future"],
  },

  {
    name: "a refusal whose reason never landed, a minute ago",
    arrange: async (world) => {
      await saved(world);
      await world.refused(null, { explained: false });
      world.nowMs += minuteMs;
    },
    status: ["safe"],
  },
  {
    name: "a refusal whose reason never landed, hours ago",
    arrange: async (world) => {
      await saved(world);
      await world.refused(null, { explained: false });
      world.nowMs += 3 * hourMs;
    },
    status: ["unsafe", "refused"],
  },

  // Bytes.
  {
    name: "overwritten by what is no backup, and every hash adjusted",
    arrange: async (world) => {
      const name = await saved(world);
      const bytes = json({ hello: "world" });
      const sha256 = sha256Hex(bytes);
      const metadata = (await world.store.head(name))?.metadata;
      await world.store.put(name, bytes, { metadata: { ...metadata, "scb-sha256": sha256 } });
      await world.changePointer({ version: { key: name, size: bytes.length, sha256 } });
    },
    asks: "nobody",
    status: ["unsafe", "version-damaged"],
    drill: ["unsafe", "version-damaged"],
    verify: ["unsafe", "version-damaged"],
  },
  {
    name: "the current version was deleted",
    arrange: async (world) => world.store.delete(await saved(world)),
    asks: "node",
    status: ["unsafe", "version-missing"],
    drill: ["unsafe", "version-missing"],
    verify: ["unsafe", "version-missing"],
  },
  {
    name: "the current version was overwritten with as many other bytes",
    arrange: async (world) => world.overwrite(await saved(world), flip),
    asks: "nobody",
    status: ["unsafe", "version-damaged"],
    drill: ["unsafe", "version-damaged"],
    verify: ["unsafe", "version-damaged"],
  },
  {
    name: "the current version is cut short",
    arrange: async (world) => world.overwrite(await saved(world), (bytes) => bytes.slice(0, 50)),
    asks: "node",
    status: ["unsafe", "version-damaged"],
    drill: ["unsafe", "version-damaged"],
  },
  {
    name: "the current version is one byte longer",
    arrange: async (world) =>
      world.overwrite(await saved(world), (bytes) => Uint8Array.of(...bytes, 0)),
    asks: "node",
    status: ["unsafe", "version-damaged"],
    drill: ["unsafe", "version-damaged"],
  },
  ...(["key", "node"] as const).map(
    (asks): Case => ({
      name: `overwritten by what the ${asks} doesn't open, and the pointer's hash adjusted`,
      arrange: async (world) => {
        const name = await saved(world);
        const bytes = packed([one, two], otherKey);
        await world.store.put(name, bytes);
        const sha256 = sha256Hex(bytes);
        await world.changePointer({ version: { key: name, size: bytes.length, sha256 } });
      },
      asks,
      status: ["unsafe", asks === "key" ? "wrong-key" : "sealed"],
      drill: ["unsafe", asks === "key" ? "wrong-key" : "sealed"],
      verify: ["unsafe", "undecryptable"],
    }),
  ),
  {
    name: "another key than this node's",
    arrange: saved,
    asks: "other key",
    status: ["unsafe", "wrong-key"],
    drill: ["unsafe", "wrong-key"],
    verify: ["unsafe", "undecryptable"],
  },
  {
    name: "a copy that dropped the metadata, of a folder without a pointer",
    arrange: async (world) => {
      const name = await saved(world);
      const object = await world.store.get(name);
      await world.store.put(name, object?.bytes ?? new Uint8Array(), {
        metadata: { "scb-single-writer": "true" },
      });
      await world.store.delete("latest.json");
    },
    asks: "nobody",
    status: ["unknown", "version-unproven"],
    verify: ["unknown", "version-unproven"],
  },

  // Funds in limbo.
  {
    name: "funds under a time lock in a channel that no version holds",
    arrange: async (world) => {
      await saved(world);
      world.limbo = [three];
    },
    asks: "node",
    status: ["unsafe", "limbo-not-covered"],
    drill: ["unsafe", "limbo-not-covered"],
  },
  {
    name: "funds under a time lock that only an older version holds, which the pointer doesn't name",
    arrange: closedChannel,
    asks: "node",
    status: ["unsafe", "limbo-not-covered"],
    drill: ["unsafe", "limbo-not-covered"],
  },
  {
    name: "funds under a time lock in the current version",
    arrange: async (world) => {
      await world.save([one, two, three]);
      world.limbo = [three];
    },
    asks: "node",
    status: ["safe"],
    drill: ["safe"],
  },
  {
    name: "an older version that the current one names is gone, and the pointer doesn't name it",
    arrange: async (world) => {
      const older = await closedChannel(world);
      const { version } = await readPointer(world.store);
      const { bytes = new Uint8Array(), metadata = {} } =
        (await world.store.get(version.key)) ?? {};
      const also = alsoRestoreToMetadata([{ key: older, sha256: null, channelPoints: [] }]);
      await world.store.put(version.key, bytes, {
        metadata: { ...metadata, "scb-also-restore": also },
      });
      await world.store.delete(older);
    },
    asks: "key",
    status: ["unsafe", "also-missing"],
    drill: ["unsafe", "also-missing"],
  },
  {
    name: "funds under a time lock in an older version, which the pointer names",
    arrange: heldByOlder,
    asks: "node",
    status: ["safe"],
    drill: ["safe"],
    verify: ["safe"],
  },
  ...(["nobody", "key", "node"] as const).map(
    (asks): Case => ({
      name: `the older version that holds them is gone, asking ${asks}`,
      arrange: async (world) => world.store.delete(await heldByOlder(world)),
      asks,
      status: ["unsafe", "also-missing", ...(asks === "node" ? ["limbo-not-covered"] : [])],
      drill: [
        ...(["unsafe", "also-missing"] as const),
        ...(asks === "node" ? ["limbo-not-covered"] : []),
        ...(asks === "nobody" ? ["not-opened"] : []),
      ],
      verify: ["unsafe", "also-missing", "gap"],
    }),
  ),
  {
    name: "the older version that holds them is damaged",
    arrange: async (world) => world.overwrite(await heldByOlder(world), flip),
    asks: "key",
    status: ["unsafe", "also-missing"],
    drill: ["unsafe", "also-missing"],
  },
  {
    name: "the older version that the pointer names for them doesn't hold them",
    arrange: async (world) => {
      const first = await saved(world);
      await saved(world);
      await world.nameAlso(first, [three]);
    },
    asks: "key",
    status: ["unsafe", "also-missing"],
    drill: ["unsafe", "also-missing"],
    verify: ["unsafe", "also-missing"],
  },
  {
    name: "the older version that the pointer names for them opens with another key",
    arrange: async (world) => {
      const older = await heldByOlder(world);
      await world.store.put(older, packed([one, three], otherKey));
      await world.nameAlso(older, [three]);
    },
    asks: "key",
    status: ["unsafe", "wrong-key"],
    drill: ["unsafe", "wrong-key"],
  },

  // Pointers.
  ...(
    [
      ["of sequence 2^53-1", { sequence: 2 ** 53 - 1 }],
      ["of the wrong type", { version: 7 }],
      ["that would steer a terminal", { writer: "\u001b[2J" }],
      ["that is enormous", { padding: "x".repeat(2_000_000) }],
    ] as const
  ).map(
    ([name, change]): Case => ({
      name: `a forged pointer ${name}`,
      arrange: async (world) => {
        await saved(world);
        await world.changePointer(change);
      },
      asks: "node",
      status: ["unsafe", "pointer-damaged"],
      drill: ["unsafe", "pointer-damaged"],
      verify: ["unsafe", "pointer-damaged"],
    }),
  ),
  {
    name: "a forged pointer and a whole version, both of sequence 2^53-1",
    arrange: async (world) => {
      await saved(world);
      const sequence = 2 ** 53 - 1;
      const forged = versionKey(sequence, world.id());
      const bytes = packed([one, two]);
      const sha256 = sha256Hex(bytes);
      await world.store.put(forged, bytes);
      await world.changePointer({
        sequence,
        version: { key: forged, size: bytes.length, sha256 },
      });
    },
    asks: "node",
    status: ["unsafe", "pointer-damaged"],
    drill: ["unsafe", "pointer-damaged"],
    verify: ["unsafe", "pointer-damaged"],
  },
  {
    name: "a pointer of another node",
    arrange: async (world) => {
      world.node = alice;
      await saved(world);
      await world.changePointer({ node: { pubkey: bob, network: "regtest" } });
    },
    asks: "key",
    status: ["unsafe", "wrong-node"],
    drill: ["unsafe", "wrong-node"],
    verify: ["unsafe", "wrong-node"],
  },
  {
    name: "the node that is asked is another than the pointer's",
    arrange: async (world) => {
      world.pubkey = alice;
      await saved(world);
      await world.changePointer({ node: { pubkey: bob, network: "regtest" } });
    },
    asks: "node",
    status: ["unsafe", "wrong-node"],
    drill: ["unsafe", "wrong-node"],
  },

  // Nodes.
  {
    name: "a node that was restored, and whose channels are in the backup from before the loss",
    arrange: async (world) => {
      await saved(world);
      world.open = [];
      world.restored = [one, two];
    },
    asks: "node",
    status: ["safe", "node-restored"],
    drill: ["safe", "node-restored"],
  },
  {
    name: "a node that was restored from another backup than the store's",
    arrange: async (world) => {
      await saved(world);
      world.restored = [three];
    },
    asks: "node",
    status: ["unsafe", "not-covered", "node-restored"],
    drill: ["unsafe", "not-covered", "node-restored"],
  },
  {
    name: "a restored node still waits for a channel that only an older version holds",
    arrange: async (world) => {
      await heldByOlder(world);
      world.limbo = [];
      world.restored = [three];
    },
    asks: "node",
    status: ["safe", "node-restored"],
    drill: ["safe", "node-restored"],
  },
  {
    name: "a node that knows nothing of a channel that the store has",
    arrange: async (world) => {
      await saved(world);
      world.open = [one];
    },
    asks: "node",
    status: ["unknown", "unknown-channels"],
    drill: ["unknown", "unknown-channels"],
  },
  {
    name: "a node that has closed a channel that the store has",
    arrange: async (world) => {
      await saved(world);
      world.open = [one];
      world.closed = [two];
    },
    asks: "node",
    status: ["safe"],
    drill: ["safe"],
  },
  {
    name: "a node with a channel that the store lacks",
    arrange: async (world) => {
      await saved(world);
      world.open = [one, two, three];
    },
    asks: "node",
    status: ["unsafe", "not-covered"],
    drill: ["unsafe", "not-covered"],
  },
];

function askedIn(world: World, asks: Asks) {
  const { node, store, clock, pubkey } = world;
  return {
    ...{ node, store, clock, pubkey, random: systemRandom },
    ...{ maxAgeMs: 36 * hourMs, maxSilenceMs: 15 * minuteMs },
    encrypter: { key, "other key": otherKey, node: undefined, nobody: undefined }[asks],
    witness: asks === "node" ? world.witness : undefined,
  };
}

const drillVerdicts = { safe: "would-restore", unsafe: "would-not-restore", unknown: "unknown" };

for (const [command, look] of [
  [
    "status",
    async (world: World, asks: Asks) => {
      const report = await checkStatus(askedIn(world, asks));
      return { ...report, ok: report.healthy };
    },
  ],
  ["drill", (world: World, asks: Asks) => runDrill(askedIn(world, asks))],
  [
    "verify",
    (world: World, asks: Asks) => verifyHistory({ ...askedIn(world, asks), now: world.nowMs }),
  ],
] as const) {
  describe(`what ${command} says of`, () => {
    for (const { name, arrange, asks = "nobody", ...expected } of cases) {
      const [verdict, ...codes] = expected[command] ?? [];
      if (verdict === undefined) continue;
      it(`${name}: ${[verdict, ...codes].join(" ")}`, async () => {
        const world = new World();
        await arrange(world);
        const before = await keysOf(world.store);
        const report = await look(world, asks);
        const all = [...new Set(report.findings.map(({ code }) => code))];
        // What a forecast says of peers is no matter of this table.
        const found = all.filter((code) => !["no-address", "not-recorded"].includes(code));
        assert.deepEqual(found.sort(), codes.sort());
        assert.equal(report.verdict, command === "drill" ? drillVerdicts[verdict] : verdict);
        assert.equal(report.ok, verdict === "safe");
        const after = (await keysOf(world.store)).filter((name) => !name.startsWith("drills/"));
        assert.deepEqual(
          after,
          before.filter((name) => !name.startsWith("drills/")),
        );
      });
    }
  });
}

describe("mirrors that go on meanwhile", () => {
  it("are no older pointer: one commit since the pointer was read, and the next under way", async () => {
    const world = new World();
    await saved(world);
    const store = new FaultyStore(world.store);
    store.before = async ({ verb, key: listed }) => {
      if (verb !== "list" || listed !== "versions/") return;
      store.before = () => undefined;
      await saved(world);
      await world.uploadNext(3);
    };
    const report = await checkStatus({ ...askedIn(world, "nobody"), store });
    assert.deepEqual(report.findings, []);
    assert.equal(report.latest?.sequence, 1);
  });
});

describe("the last restore", () => {
  it("isn't hidden by the note of a machine whose clock was two years ahead", async () => {
    const world = new World();
    await saved(world);
    const note = (sequence: number, aheadMs: number) => {
      const clock = { ...world.clock, now: () => world.nowMs + aheadMs };
      const record = { key: "versions/x", sequence, to: "file", by: "a test" } as const;
      return recordRestore(world.store, record, { clock, random: systemRandom });
    };
    await note(1, 2 * yearMs);
    world.nowMs += hourMs;
    await note(2, 0);
    const { lastRestore } = await checkStatus(askedIn(world, "nobody"));
    assert.equal(lastRestore?.sequence, 2);
    assert.equal(lastRestore?.at, new Date(world.nowMs).toISOString());
  });
});

describe("an age", () => {
  it("isn't known, rather than nothing, if the time of the current version can't be right", async () => {
    const world = new World();
    world.nowMs += yearMs;
    await saved(world);
    world.nowMs -= yearMs;
    assert.equal((await checkStatus(askedIn(world, "key"))).ageSeconds, null);
    assert.equal((await runDrill(askedIn(world, "key"))).version?.ageSeconds, null);
  });
});

describe("funds in limbo, in a drill's forecast", () => {
  const drilled = async (arrange: (world: World) => Promise<unknown>) => {
    const world = new World();
    await arrange(world);
    const report = await runDrill(askedIn(world, "node"));
    const channel = report.channels.find(({ state }) => state === "closing");
    return { report, channel };
  };

  it("are named, with their sats, the lock's end, and the older version that holds them", async () => {
    let older = "";
    const { report, channel } = await drilled(async (world) => {
      older = await heldByOlder(world);
    });
    assert.equal(channel?.channelPoint, pointOf(three));
    assert.equal(channel?.comesBackSat, limboSat);
    assert.equal(channel?.maturityHeight, 850_144);
    assert.equal(channel?.inBackup, false);
    assert.equal(channel?.inAlso, older);
    assert.equal(report.counts.comesBackSat, limboSat + 2 * 50_000);
    assert.equal(report.counts.limboSat, limboSat);
    assert.equal(report.counts.lostLimboSat, 0);
    assert.deepEqual(
      report.also.map(({ key: name, channelPoints }) => [name, channelPoints]),
      [[older, [pointOf(three)]]],
    );
  });

  it("don't count as coming back if nothing in the store would bring them", async () => {
    const { report, channel } = await drilled(async (world) => {
      await world.store.delete(await heldByOlder(world));
    });
    assert.equal(channel?.inAlso, null);
    assert.equal(report.counts.comesBackSat, 2 * 50_000);
    assert.equal(report.counts.lostLimboSat, limboSat);
    assert.equal(report.covered, true, "that word is of the open channels alone");
  });
});
