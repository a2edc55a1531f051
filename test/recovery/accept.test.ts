import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkStatus } from "../../src/checks/status.ts";
import { newCandidate } from "../../src/mirror/candidate.ts";
import { accept, readAcceptance } from "../../src/recovery/accept.ts";
import type { ErrorCode } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { point } from "../node/fake-lnd.ts";
import { swapNaming } from "../support/also-restore.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { keysOf, makeSwapper, packedBytes, readPointer } from "../support/mirror-fixture.ts";
import { mirrorOf, refusalOf, ScriptedNode, swap } from "../support/scripted-node.ts";

const [a, b, c] = [point(1), point(2), point(3)];
const clock = hastyClock();
const never = new AbortController().signal;

/** A folder that holds two channels, and a restored node whose backup was held back. */
async function setUp() {
  const store = new FaultyStore(new MemoryStore());
  const node = new ScriptedNode();
  const mirror = mirrorOf(node, store);
  await swap(mirror, node.candidate([a, b]));
  const restored = node.candidate([b], { bare: [b] });
  node.closed = [a];
  const { quarantineKey } = await refusalOf(mirror, restored);
  /** As the command does, in a process of its own. */
  const open = () => ({ store, swapper: acceptor(store), signal: never });
  const read = (
    which?: string,
    asked: { witness?: ScriptedNode; inspect?: ScriptedNode["inspect"] } = {},
  ) => {
    const { witness = null, inspect = null } = asked;
    return readAcceptance({ ...open(), which, witness, inspect, logger: silentLogger });
  };
  const isHealthy = async () => {
    const options = { node: "n", clock, maxAgeMs: 3_600_000 };
    return (await checkStatus({ store, ...options })).healthy;
  };
  return { store, node, mirror, restored, key: quarantineKey ?? "", read, isHealthy };
}

/** As the command makes it: it asks no guard, and does not know whose folder it is. */
function acceptor(store: FaultyStore, acceptorsClock = hastyClock()) {
  const node = { pubkey: null, network: null };
  return makeSwapper(store, { guards: [], node, clock: acceptorsClock });
}

const tools = { clock, random: systemRandom };

describe("accept", () => {
  it("makes the newest refusal current, and keeps what it replaces", async () => {
    const { store, restored, key, read, isHealthy } = await setUp();
    const before = (await readPointer(store)).version.key;
    assert.equal(await isHealthy(), false);
    const acceptance = await read();
    assert.equal(acceptance.key, key);
    assert.equal(acceptance.reason.code, "poorer");
    assert.equal(acceptance.loss, null, "nobody could open them");
    const commit = await accept(acceptance, acceptor(store), tools, never);
    const pointer = await readPointer(store);
    assert.deepEqual([commit.sequence, pointer.version.sha256], [2, restored.sha256]);
    assert.equal(pointer.previous?.key, before);
    assert.deepEqual([pointer.channels, pointer.bareChannels], [1, 1]);
    assert.equal(pointer.node.network, "regtest", "whose folder it is");
    assert.ok((await keysOf(store, "versions/")).includes(before));
    assert.equal(await isHealthy(), true);
  });

  it("carries on what a restore needs besides: only the node's word ends it", async () => {
    const { store, read } = await setUp();
    const { version } = await readPointer(store);
    const also = [{ key: version.key, sha256: version.sha256, channelPoints: [a] }];
    await swapNaming(acceptor(store), also);
    const [key = ""] = await keysOf(store, "quarantine/");
    await accept(await read(key), acceptor(store), tools, never);
    assert.deepEqual((await readPointer(store)).alsoRestore, also);
  });

  it("stands also where it was accepted by a clock that is behind", async () => {
    const { store, read, isHealthy } = await setUp();
    const behind = hastyClock({ startMs: clock.now() - 60_000 });
    const swapper = acceptor(store, behind);
    await accept(await read(), swapper, tools, never);
    assert.equal(await isHealthy(), true);
  });

  it("lets the mirror that runs go on from there, and still hold what is worse", async () => {
    const { store, node, mirror, read } = await setUp();
    await accept(await read(), acceptor(store), tools, never);
    const next = () => node.candidate([b, c], { bare: [b] });
    const stale = await mirror.base();
    await assert.rejects(mirror.begin(stale, next()), { code: "superseded" });
    await swap(mirror, next());
    assert.equal((await readPointer(store)).sequence, 3);
    const worse = node.candidate([b, c], { bare: [b, c] });
    assert.equal((await refusalOf(mirror, worse)).refusal.code, "poorer");
  });

  it("says what it lacks: by a key, or by the node", async () => {
    const { node, read } = await setUp();
    const byKey = await read(undefined, { inspect: node.inspect });
    assert.deepEqual(byKey.loss, { gone: [a], poorer: [b] });
    const byNode = await read(undefined, { witness: node });
    assert.deepEqual(byNode.loss, { gone: [a], poorer: null });
  });

  it("takes a name: the key, or the operation in it", async () => {
    const { key, read } = await setUp();
    for (const which of [key, key.slice("quarantine/".length, -".backup".length)]) {
      assert.equal((await read(which)).key, key);
    }
  });

  it("wants the name when the current version is no longer the one it was refused against", async () => {
    const { store, node, key, read } = await setUp();
    await swap(makeSwapper(store), node.candidate([a, b, c]));
    await assert.rejects(read(), { code: "refused", message: new RegExp(`accept ${key}$`) });
    const commit = await accept(await read(key), acceptor(store), tools, never);
    assert.equal(commit.sequence, 3);
  });

  it("does not overwrite what another writer has saved since it was shown", async () => {
    const { store, node, read } = await setUp();
    const swapper = acceptor(store);
    const acceptance = await read();
    const other = node.candidate([a, b, c]);
    await swap(makeSwapper(store), other);
    await assert.rejects(accept(acceptance, swapper, tools, never), { code: "superseded" });
    assert.equal((await readPointer(store)).version.sha256, other.sha256);
  });

  it("tries again while the store is busy, and takes a lost answer for no failure", async () => {
    const { store, read } = await setUp();
    const acceptance = await read();
    store.fail("put", /^versions/, "store-busy", { times: 2 });
    store.fail("put", /^latest/, "store-unknown", { when: "after" });
    const commit = await accept(acceptance, acceptor(store), tools, never);
    assert.deepEqual([commit.sequence, (await readPointer(store)).sequence], [2, 2]);
  });

  it("gives up when its time is over, and says why", async () => {
    const { store, read } = await setUp();
    const acceptance = await read();
    store.fail("put", /./, "store-busy", { times: 1e9 });
    const bound = AbortSignal.timeout(20);
    const accepting = accept(acceptance, acceptor(store), tools, bound);
    await assert.rejects(accepting, { code: "aborted", message: /injected store-busy/ });
    assert.equal((await readPointer(store)).sequence, 1);
  });

  const wrong: Record<
    string,
    { which?: string; harm?: (store: FaultyStore, key: string) => Promise<void>; code: ErrorCode }
  > = {
    "no name at all": { which: "newest", code: "usage" },
    "the key of a version": { which: "versions/1.backup", code: "usage" },
    "a name that is not there": { which: "01JD0000000000000000000000", code: "not-found" },
    "a backup that was changed": {
      harm: (store, key) => store.put(key, packedBytes()).then(() => undefined),
      code: "version-damaged",
    },
    "a backup that is gone": { harm: (store, key) => store.delete(key), code: "not-found" },
    "a reason that cannot be read": {
      harm: (store, key) =>
        store.put(key.replace(/backup$/, "json"), Buffer.from("{")).then(() => undefined),
      code: "version-damaged",
    },
  };
  for (const [name, { which, harm, code }] of Object.entries(wrong)) {
    it(`${name} is "${code}"`, async () => {
      const { store, key, read } = await setUp();
      await harm?.(store, key);
      await assert.rejects(read(which), { code });
    });
  }

  it("never accepts what is no backup, nor what the node or the key cannot open", async () => {
    const { mirror, read } = await setUp();
    const stranger = new ScriptedNode();
    await assert.rejects(read(undefined, { witness: stranger }), { code: "decrypt" });
    await assert.rejects(read(undefined, { inspect: stranger.inspect }), { code: "decrypt" });
    const text = Buffer.from("ab".repeat(400));
    const { quarantineKey } = await refusalOf(mirror, newCandidate(text, null, null));
    await assert.rejects(read(quarantineKey ?? ""), {
      code: "refused",
      message: /not a channel backup/,
    });
  });

  it("finds nothing to accept where nothing was held back", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store);
    const nobody = { witness: null, inspect: null, logger: silentLogger };
    await assert.rejects(
      readAcceptance({ store, swapper, which: undefined, ...nobody, signal: never }),
      { code: "not-found" },
    );
  });
});
