import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RefusedError } from "../../src/chanbackup/refused-error.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";

const version = /^versions\//;
const latest = /^latest\.json$/;

describe("ObjectStoreSwapper: one swap", () => {
  it("uploads the bytes as they are, then moves the pointer", async () => {
    const store = new FaultyStore(new MemoryStore());
    const packed = packedBytes();
    const commit = await swapOnce(makeSwapper(store), packed);
    const stored = await store.get(commit.key);
    assert.deepEqual(stored?.bytes, packed);
    assert.equal(stored?.metadata["scb-sha256"], sha256Hex(packed));
    assert.equal(stored?.metadata["scb-previous-key"], undefined);
    const pointer = await readPointer(store);
    assert.equal(pointer.version.key, commit.key);
    assert.equal(pointer.sequence, 1);
    assert.equal(pointer.previous, null);
    const puts = store.calls.filter(({ verb }) => verb === "put").map(({ key }) => key);
    assert.deepEqual(puts, [commit.key, "latest.json", "origin.json"]);
  });

  it("costs two requests when the base is cached", async () => {
    const store = new FaultyStore(new MemoryStore());
    const swapper = makeSwapper(store);
    await swapOnce(swapper);
    await swapOnce(swapper);
    store.calls.length = 0;
    const commit = await swapOnce(swapper);
    assert.equal(commit.sequence, 3);
    assert.deepEqual(store.calls, [
      { verb: "put", key: commit.key },
      { verb: "put", key: "latest.json" },
    ]);
  });

  it("makes a chain of hashes", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    const first = await swapOnce(swapper);
    const second = await swapOnce(swapper);
    const metadata = (await store.head(second.key))?.metadata ?? {};
    assert.equal(metadata["scb-previous-key"], first.key);
    assert.equal(metadata["scb-previous-sha256"], first.sha256);
    assert.deepEqual((await readPointer(store)).previous, { key: first.key, sha256: first.sha256 });
  });

  it("remembers the last 64 operations", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    for (let swap = 0; swap < 70; swap += 1) await swapOnce(swapper);
    const pointer = await readPointer(store);
    assert.equal(pointer.recentOperations.length, 64);
    assert.equal(pointer.recentOperations.at(-1), pointer.operation);
  });
});

describe("ObjectStoreSwapper: answers that are lost, late or bad", () => {
  /** What is injected into the second swap, and what the swap is then expected to do. */
  const passing = [
    {
      name: "the version's answer is lost",
      verb: "put",
      key: version,
      code: "store-unknown",
      when: "after",
      tries: 1,
    },
    {
      name: "the version never arrives",
      verb: "put",
      key: version,
      code: "store-unknown",
      when: "before",
      tries: 2,
    },
    {
      name: "the store is busy for the version",
      verb: "put",
      key: version,
      code: "store-busy",
      when: "before",
      tries: 2,
    },
    {
      name: "a 412 for our own version",
      verb: "put",
      key: version,
      code: "store-precondition",
      when: "after",
      tries: 1,
    },
    {
      name: "the pointer's answer is lost",
      verb: "put",
      key: latest,
      code: "store-unknown",
      when: "after",
      tries: 1,
    },
    {
      name: "the pointer never arrives",
      verb: "put",
      key: latest,
      code: "store-unknown",
      when: "before",
      tries: 2,
    },
    {
      name: "the store is busy for the pointer",
      verb: "put",
      key: latest,
      code: "store-busy",
      when: "before",
      tries: 2,
    },
    {
      name: "busy was said, and the pointer landed",
      verb: "put",
      key: latest,
      code: "store-busy",
      when: "after",
      tries: 2,
    },
    {
      name: "a 412 for our own pointer",
      verb: "put",
      key: latest,
      code: "store-precondition",
      when: "after",
      tries: 1,
    },
  ] as const;
  for (const { name, verb, key, code, when, tries } of passing) {
    it(`commits once when ${name}`, async () => {
      const store = new FaultyStore(new MemoryStore());
      const swapper = makeSwapper(store);
      await swapOnce(swapper);
      store.fail(verb, key, code, { when });
      const packed = packedBytes();
      const operation = await swapper.begin(await swapper.base(), candidateOf(packed));
      let attempts = 0;
      for (;;) {
        attempts += 1;
        try {
          await swapper.advance(operation);
          break;
        } catch (error) {
          assert.match(String((error as { code?: unknown }).code), /^store-(busy|unknown)$/);
          assert.ok(attempts < 5);
        }
      }
      assert.equal(attempts, tries);
      const pointer = await readPointer(store);
      assert.equal(pointer.sequence, 2);
      assert.equal(pointer.operation, operation.id);
      assert.equal((await keysOf(store, "versions/")).length, 2);
      // The cached base is right again: the next swap needs no second try.
      assert.equal((await swapOnce(swapper)).sequence, 3);
    });
  }

  it("trusts no store that holds other bytes than were sent", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    const swapper = makeSwapper(store);
    await swapOnce(swapper);
    store.before = async ({ verb, key }) => {
      if (verb === "put" && version.test(key)) await inner.put(key, packedBytes(10));
    };
    await assert.rejects(swapOnce(swapper), { code: "version-damaged" });
    assert.equal((await readPointer(store)).sequence, 1);
  });

  it("begins anew when another writer was first, and loses neither", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    const ours = makeSwapper(store);
    const theirs = makeSwapper(inner);
    await swapOnce(ours);
    const base = await ours.base();
    await swapOnce(theirs);
    const operation = await ours.begin(base, candidateOf(packedBytes()));
    await assert.rejects(ours.advance(operation), { code: "superseded" });
    const commit = await swapOnce(ours);
    assert.equal(commit.sequence, 3);
    assert.equal((await keysOf(inner, "versions/")).length, 4);
  });

  it("stops when the pointer is deleted under it, and does not make it anew", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    await swapOnce(swapper);
    await store.delete("latest.json");
    await assert.rejects(swapOnce(swapper), { code: "pointer-lost" });
    await assert.rejects(swapOnce(swapper), { code: "pointer-lost" });
    assert.equal(await store.get("latest.json"), null);
  });

  it("deletes nothing, whatever fails", async () => {
    const store = new FaultyStore(new MemoryStore());
    const swapper = makeSwapper(store);
    for (const code of ["store-unknown", "store-busy", "store-denied"] as const) {
      store.fail("put", latest, code);
      await assert.rejects(swapOnce(swapper));
    }
    assert.ok(!store.calls.some(({ verb }) => verb === "delete"));
    assert.equal((await keysOf(store, "versions/")).length, 3);
  });
});

describe("ObjectStoreSwapper: several writers", () => {
  it("lets all of them through, one after the other", async () => {
    const store = new MemoryStore();
    const swapsEach = 10;
    const commits = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const swapper = makeSwapper(store);
        const keys: string[] = [];
        while (keys.length < swapsEach) {
          try {
            keys.push((await swapOnce(swapper)).key);
          } catch (error) {
            assert.equal((error as { code?: unknown }).code, "superseded");
          }
        }
        return keys;
      }),
    );
    const pointer = await readPointer(store);
    assert.equal(pointer.sequence, 8 * swapsEach);
    const lineage = new Set<string>();
    for (let key: string | undefined = pointer.version.key; key !== undefined; ) {
      lineage.add(key);
      key = (await store.head(key))?.metadata["scb-previous-key"];
    }
    assert.deepEqual(new Set(commits.flat()), lineage);
  });
});

describe("ObjectStoreSwapper: what it finds at the start", () => {
  it("goes on after a first swap that was cut short before its pointer", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", latest, "store-unknown", { times: 9 });
    await assert.rejects(swapOnce(makeSwapper(store)), { code: "store-unknown" });
    store.faults.length = 0;
    const commit = await swapOnce(makeSwapper(store));
    assert.equal(commit.sequence, 1);
  });

  it("an empty backup does not win over what a first swap left", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("put", latest, "store-unknown", { times: 9 });
    await assert.rejects(swapOnce(makeSwapper(store)), { code: "store-unknown" });
    store.faults.length = 0;
    await assert.rejects(swapOnce(makeSwapper(store), packedBytes(45)), RefusedError);
  });

  it("does not create a pointer that came and went since it found none", async () => {
    const store = new MemoryStore();
    const slow = makeSwapper(store);
    const operation = await slow.begin(await slow.base(), candidateOf(packedBytes()));
    await swapOnce(makeSwapper(store));
    await store.delete("latest.json");
    await assert.rejects(slow.advance(operation), { code: "pointer-lost" });
    assert.equal(await store.get("latest.json"), null);
  });

  it("alarms when the pointer was deleted after the first commit", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    await store.delete("latest.json");
    await assert.rejects(swapOnce(makeSwapper(store)), { code: "pointer-lost" });
  });

  it("alarms when versions of later swaps have no pointer", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    await swapOnce(swapper);
    await swapOnce(swapper);
    await store.delete("latest.json");
    await store.delete("origin.json");
    await assert.rejects(swapOnce(makeSwapper(store)), { code: "pointer-lost" });
  });

  it("takes commits that come while it looks for the base for no lost pointer", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner);
    const other = makeSwapper(inner);
    store.before = async ({ verb }) => {
      if (verb !== "list") return;
      await swapOnce(other);
      await swapOnce(other);
    };
    assert.equal((await swapOnce(makeSwapper(store))).sequence, 3);
  });

  it("alarms when a version that is not of ours has no pointer", async () => {
    const store = new MemoryStore();
    await store.put(
      "versions/00000000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV.backup",
      packedBytes(),
    );
    await assert.rejects(makeSwapper(store).base(), { code: "pointer-lost" });
  });

  const damaged = [
    ["no JSON", "not json"],
    ["another schema", JSON.stringify({ schema: 2 })],
    ["no object", "[]"],
    ["nothing", ""],
  ] as const;
  for (const [name, text] of damaged) {
    it(`does not touch a pointer that is ${name}`, async () => {
      const store = new FaultyStore(new MemoryStore());
      await store.put("latest.json", Buffer.from(text));
      store.calls.length = 0;
      await assert.rejects(makeSwapper(store).base(), { code: "pointer-damaged" });
      assert.ok(store.calls.every(({ verb }) => verb !== "put"));
    });
  }

  it("refuses the folder of another network or node", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    const other = makeSwapper(store, { node: { pubkey: null, network: "mainnet" } });
    await assert.rejects(other.base(), { code: "wrong-node", message: /mainnet.*regtest/ });
  });
});

describe("ObjectStoreSwapper: guards", () => {
  it("keeps an empty backup in quarantine, once, and the good one current", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    const good = await swapOnce(swapper);
    await assert.rejects(swapOnce(swapper, packedBytes(45)), RefusedError);
    await assert.rejects(swapOnce(swapper, packedBytes(45)), RefusedError);
    assert.equal((await readPointer(store)).version.key, good.key);
    const kept = await keysOf(store, "quarantine/");
    assert.equal(kept.length, 2);
    assert.match(kept.join(" "), /\.backup .*\.json/);
  });

  it("lets an empty backup be the first", async () => {
    assert.equal((await swapOnce(makeSwapper(new MemoryStore()), packedBytes(45))).sequence, 1);
  });

  it("refuses what cannot be a backup", async () => {
    const swapper = makeSwapper(new MemoryStore());
    await assert.rejects(swapOnce(swapper, packedBytes(44)), RefusedError);
    await assert.rejects(swapOnce(swapper, Buffer.from("ab".repeat(400))), RefusedError);
  });

  it("refuses a smaller backup that nobody could open, where a running node has written", async () => {
    const store = new MemoryStore();
    const lnd = makeSwapper(store, { node: { pubkey: "aa", network: "regtest" } });
    await swapOnce(lnd, packedBytes(900));
    const file = makeSwapper(store, { node: { pubkey: null, network: null } });
    await swapOnce(file, packedBytes(900));
    await assert.rejects(swapOnce(file, packedBytes(899)), RefusedError);
    const verified = { ...candidateOf(packedBytes(500)), verifiedBy: "lnd" as const };
    await file.advance(await file.begin(await file.base(), verified));
    const onlyFiles = makeSwapper(new MemoryStore(), { node: { pubkey: null, network: null } });
    await swapOnce(onlyFiles, packedBytes(900));
    assert.equal((await swapOnce(onlyFiles, packedBytes(800))).sequence, 2);
  });

  it("a file does not make anybody forget whose folder it is", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store, { node: { pubkey: "aa", network: "regtest" } }));
    await swapOnce(makeSwapper(store, { node: { pubkey: null, network: null } }));
    assert.deepEqual((await readPointer(store)).node, { pubkey: "aa", network: "regtest" });
    const other = makeSwapper(store, { node: { pubkey: "bb", network: "regtest" } });
    await assert.rejects(swapOnce(other), { code: "wrong-node" });
  });

  it("refuses also when the candidate cannot be kept", async () => {
    const store = new FaultyStore(new MemoryStore());
    const swapper = makeSwapper(store);
    await swapOnce(swapper);
    store.fail("put", /^quarantine/, "store-busy");
    await assert.rejects(swapOnce(swapper, packedBytes(45)), (error) => {
      assert.ok(error instanceof RefusedError);
      return error.quarantineKey === null;
    });
  });
});

describe("ObjectStoreSwapper: --single-writer", () => {
  it("writes versions only, without conditions, and goes on where it stopped", async () => {
    const store = new MemoryStore();
    assert.equal((await swapOnce(makeSwapper(store, { singleWriter: true }))).sequence, 1);
    const again = makeSwapper(store, { singleWriter: true });
    assert.equal((await swapOnce(again)).sequence, 2);
    assert.equal((await swapOnce(again)).sequence, 3);
    assert.equal((await keysOf(store)).length, 3);
    await assert.rejects(swapOnce(again, packedBytes(45)), RefusedError);
  });

  it("its newest is the last, though an upload before it was in doubt and the clock was set back", async () => {
    const store = new FaultyStore(new MemoryStore());
    let nowMs = Date.UTC(2026, 0, 9);
    const clock = { ...hastyClock(), now: () => nowMs };
    const swapper = makeSwapper(store, { singleWriter: true, clock });
    store.fail("put", version, "store-unknown", { when: "after" });
    store.fail("get", version, "store-busy");
    await assert.rejects(swapOnce(swapper), { code: "store-busy" });
    nowMs -= 8 * 24 * 3_600_000;
    const { key } = await swapOnce(swapper);
    assert.equal((await keysOf(store, "versions/")).at(-1), key);
  });

  it("goes on from an upload that landed though it was refused", async () => {
    const store = new FaultyStore(new MemoryStore());
    const swapper = makeSwapper(store, { singleWriter: true });
    await swapOnce(swapper);
    store.fail("put", version, "store-busy", { when: "after" });
    await assert.rejects(swapOnce(swapper), { code: "store-busy" });
    const { held } = await swapper.base();
    assert.equal(held?.sequence, 2);
    assert.equal((await swapOnce(swapper)).sequence, 3);
  });

  it("does not mix with a pointer", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    await assert.rejects(makeSwapper(store, { singleWriter: true }).base(), { code: "usage" });
    const other = new MemoryStore();
    await swapOnce(makeSwapper(other, { singleWriter: true }));
    await assert.rejects(makeSwapper(other).base(), { code: "usage" });
  });
});
