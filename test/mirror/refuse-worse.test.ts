import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newCandidate } from "../../src/mirror/candidate.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { point } from "../node/fake-lnd.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { keysOf, makeSwapper, packedBytes, readPointer } from "../support/mirror-fixture.ts";
import {
  type Candidate,
  mirrorOf,
  refusalOf,
  ScriptedNode,
  swap,
} from "../support/scripted-node.ts";

const [a, b, c, d] = [point(1), point(2), point(3), point(4)];

interface Case {
  readonly held: readonly string[];
  readonly heldBare?: readonly string[];
  readonly next: readonly string[];
  readonly nextBare?: readonly string[];
  readonly closed?: readonly string[];
  /** Null where it passes. */
  readonly code: string | null;
}

const byTheNode: Record<string, Case> = {
  "the same channels": { held: [a, b], next: [a, b], code: null },
  "one more": { held: [a], next: [a, b], code: null },
  "one less, closed by the node's word": { held: [a, b], next: [a], closed: [b], code: null },
  "one less, and one new": { held: [a, b], next: [a, c], closed: [b], code: null },
  "one less, without a word": { held: [a, b], next: [a], code: "channels-gone" },
  "two less, of which one was closed": {
    held: [a, b, c],
    next: [a],
    closed: [b],
    code: "channels-gone",
  },
  "all others than before": { held: [a, b], next: [c], code: "channels-gone" },
  "restored: the same, but bare": { held: [a, b], next: [a, b], nextBare: [a], code: "poorer" },
  "restored, and one is closed since": {
    held: [a, b],
    next: [b],
    nextBare: [b],
    closed: [a],
    code: "poorer",
  },
  "restored in part": {
    held: [a, b],
    next: [a],
    nextBare: [a],
    code: "channels-gone",
  },
  "restored and accepted: the same": {
    held: [a, b],
    heldBare: [a, b],
    next: [a, b],
    nextBare: [a, b],
    code: null,
  },
  "restored and accepted: one is closed since": {
    held: [a, b],
    heldBare: [a, b],
    next: [b],
    nextBare: [b],
    closed: [a],
    code: null,
  },
  "restored and accepted: a new channel": {
    held: [a, b],
    heldBare: [a, b],
    next: [a, b, c],
    nextBare: [a, b],
    code: null,
  },
  "restored a second time, with more in it": {
    held: [a],
    heldBare: [a],
    next: [a, b],
    nextBare: [a, b],
    code: null,
  },
  "a channel that had been opened since is restored, too": {
    held: [a, b],
    heldBare: [a],
    next: [a, b],
    nextBare: [a, b],
    code: "poorer",
  },
  "all restored ones are closed, and a new one is open": {
    held: [a, b],
    next: [c],
    closed: [a, b],
    code: null,
  },
  "empty, and every channel was closed": { held: [a, b], next: [], closed: [a, b], code: null },
  "empty, and one was not closed": { held: [a, b], next: [], closed: [a], code: "empty" },
};

describe("what a node hands out after a loss never replaces the better backup", () => {
  for (const [
    name,
    { held, heldBare = [], next, nextBare = [], closed = [], code },
  ] of Object.entries(byTheNode)) {
    for (const restarted of [false, true]) {
      it(`${name}: ${code ?? "passes"}${restarted ? ", after a restart" : ""}`, async () => {
        const [node, store] = [new ScriptedNode(), new MemoryStore()];
        const before = mirrorOf(node, store);
        await swap(before, node.candidate(held, { bare: heldBare }));
        node.closed = closed;
        const swapper = restarted ? mirrorOf(node, store) : before;
        const candidate = node.candidate(next, { bare: nextBare });
        if (code === null) {
          await swap(swapper, candidate);
          assert.equal((await readPointer(store)).version.sha256, candidate.sha256);
        } else {
          const { refusal, quarantineKey } = await refusalOf(swapper, candidate);
          assert.equal(refusal.code, code);
          assert.deepEqual((await store.get(quarantineKey ?? ""))?.bytes, candidate.packed);
          assert.equal((await readPointer(store)).sequence, 1);
        }
      });
    }
  }

  it("names the channels that are gone: three of them, and how many", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const swapper = mirrorOf(node, store);
    await swap(swapper, node.candidate([a, b, c, d]));
    const { refusal } = await refusalOf(swapper, node.candidate([point(5)]));
    assert.match(refusal.message, new RegExp(`lacks 4 channels .*\\(${a}, ${b}, ${c}, …\\)`));
    assert.match(refusal.message, /scb-mirror accept$/);
  });

  it("costs nothing while the channels stay the same, nor when one opens", async () => {
    const [node, store] = [new ScriptedNode(), new FaultyStore(new MemoryStore())];
    const swapper = mirrorOf(node, store);
    await swap(swapper, node.candidate([a]));
    store.calls.length = 0;
    for (const points of [[a], [a, b], [a, b, c]]) await swap(swapper, node.candidate(points));
    assert.deepEqual(node.asked, []);
    assert.deepEqual(
      store.calls.map(({ verb }) => verb),
      Array.from({ length: 6 }, () => "put"),
    );
  });
});

describe("by the bytes, with a key", () => {
  const cases: Record<string, Case> = {
    "a node that writes bare ones from the first day opens one": {
      held: [a],
      heldBare: [a],
      next: [a, b],
      nextBare: [a, b],
      code: null,
    },
    "one of several is bare that was not": {
      held: [a, b],
      heldBare: [a],
      next: [a, b],
      nextBare: [b],
      code: "poorer",
    },
    "the bare one is closed, and another has become bare": {
      held: [a, b],
      heldBare: [a],
      next: [b],
      nextBare: [b],
      code: "poorer",
    },
    "a channel is gone, and nobody can be asked": { held: [a, b], next: [a], code: null },
  };
  for (const [name, { held, heldBare = [], next, nextBare = [], code }] of Object.entries(cases)) {
    it(`${name}: ${code ?? "passes"}`, async () => {
      const [node, store] = [new ScriptedNode(), new MemoryStore()];
      await swap(mirrorOf(node, store), node.candidate(held, { bare: heldBare, by: "key" }));
      const swapper = mirrorOf(node, store, "key");
      const candidate = node.candidate(next, { bare: nextBare, by: "key" });
      if (code === null) await swap(swapper, candidate);
      else assert.equal((await refusalOf(swapper, candidate)).refusal.code, code);
    });
  }

  it("does not compare what lnd calls restored with what the bytes show", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const swapper = mirrorOf(node, store, "both");
    // lnd before 0.19 writes every channel bare, and calls none of them restored.
    const exported = node.candidate([a], { bare: [a] });
    await swap(
      swapper,
      newCandidate(exported.packed, { channelPoints: [a], bareChannelPoints: [] }, "lnd"),
    );
    await swap(swapper, node.candidate([a], { bare: [a], by: "key" }));
  });
});

describe("when the comparison cannot be made", () => {
  const away: readonly ErrorCode[] = ["node-unavailable", "node-locked", "node-denied"];
  for (const code of away) {
    it(`waits for a node that answers "${code}", and keeps the pointer`, async () => {
      const [node, store] = [new ScriptedNode(), new MemoryStore()];
      const swapper = mirrorOf(node, store);
      await swap(swapper, node.candidate([a, b]));
      node.failure = new ScbError(code, "not now");
      const base = await swapper.base();
      await assert.rejects(swapper.begin(base, node.candidate([a])), { code });
      assert.deepEqual(await keysOf(store, "quarantine/"), []);
      node.failure = null;
      node.closed = [b];
      await swap(swapper, node.candidate([a]));
    });
  }

  it("an empty backup is refused while the node does not say a word", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const swapper = mirrorOf(node, store);
    await swap(swapper, node.candidate([a]));
    node.failure = new ScbError("node-unavailable", "not now");
    assert.equal((await refusalOf(swapper, node.candidate([]))).refusal.code, "empty");
  });

  it("another node's version in the folder is not replaced", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    await swap(mirrorOf(new ScriptedNode(), store, "nobody"), new ScriptedNode().candidate([a]));
    const { refusal } = await refusalOf(mirrorOf(node, store), node.candidate([b]));
    assert.equal(refusal.code, "not-ours");
  });

  it("nor is it if only the version before it is whole", async () => {
    const [node, other, store] = [new ScriptedNode(), new ScriptedNode(), new MemoryStore()];
    const theirs = mirrorOf(other, store, "nobody");
    await swap(theirs, other.candidate([a]));
    await swap(theirs, other.candidate([a]));
    await store.delete((await readPointer(store)).version.key);
    const { refusal } = await refusalOf(mirrorOf(node, store), node.candidate([b]));
    assert.equal(refusal.code, "not-ours");
  });

  it("a version that is gone or damaged is replaced, but not by a restored node's", async () => {
    for (const harm of ["gone", "damaged"]) {
      const [node, store] = [new ScriptedNode(), new MemoryStore()];
      await swap(mirrorOf(node, store), node.candidate([a, b]));
      const { key } = (await readPointer(store)).version;
      if (harm === "gone") await store.delete(key);
      else await store.put(key, packedBytes());
      const restored = node.candidate([a], { bare: [a] });
      assert.equal((await refusalOf(mirrorOf(node, store), restored)).refusal.code, "poorer");
      await swap(mirrorOf(node, store), node.candidate([a]));
    }
  });

  it("what nobody could open does not undo a refusal", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const swapper = mirrorOf(node, store);
    await swap(swapper, node.candidate([a]));
    assert.equal((await refusalOf(swapper, node.candidate([b]))).refusal.code, "channels-gone");
    const unopened = newCandidate(packedBytes(5000), null, null);
    assert.equal((await refusalOf(swapper, unopened)).refusal.code, "unverified");
    node.closed = [a];
    await swap(swapper, node.candidate([b]));
    await swap(swapper, unopened);
  });
});

describe("a refusal, met again", () => {
  const refusedTwice = async (
    first: (node: ScriptedNode) => Candidate,
    second: (node: ScriptedNode) => Candidate,
    restarted: boolean,
  ): Promise<number> => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const before = mirrorOf(node, store);
    await swap(before, node.candidate([a, b]));
    const kept = await refusalOf(before, first(node));
    const again = await refusalOf(restarted ? mirrorOf(node, store) : before, second(node));
    const count = (await keysOf(store, "quarantine/")).length / 2;
    assert.equal(again.quarantineKey === kept.quarantineKey, count === 1);
    return count;
  };
  for (const restarted of [false, true]) {
    const when = restarted ? "by another process" : "by the same process";
    it(`of the same state is kept once, ${when}`, async () => {
      const gone = (node: ScriptedNode) => node.candidate([a]);
      const empty = (node: ScriptedNode) => node.candidate([]);
      const poorer = (node: ScriptedNode) => node.candidate([a, b], { bare: [a] });
      for (const same of [gone, empty, poorer]) {
        assert.equal(await refusedTwice(same, same, restarted), 1);
      }
    });
    it(`of another state is kept as well, ${when}`, async () => {
      const both = (node: ScriptedNode) => node.candidate([a, b], { bare: [a, b] });
      const one = (node: ScriptedNode) => node.candidate([a, b], { bare: [a] });
      const other = (node: ScriptedNode) => node.candidate([b], { bare: [b] });
      assert.equal(await refusedTwice(both, one, restarted), 2);
      assert.equal(await refusedTwice(both, other, restarted), 2);
    });
  }

  it("is compared with what the store has now: another writer may have accepted it", async () => {
    const [node, store] = [new ScriptedNode(), new MemoryStore()];
    const swapper = mirrorOf(node, store);
    await swap(swapper, node.candidate([a, b]));
    await refusalOf(swapper, node.candidate([c]));
    const unguarded = makeSwapper(store, { guards: [] });
    await swap(unguarded, node.candidate([c]));
    const stale = await swapper.base();
    await assert.rejects(swapper.begin(stale, node.candidate([c, d])), { code: "superseded" });
    await swap(swapper, node.candidate([c, d]));
    assert.equal((await readPointer(store)).sequence, 3);
  });
});
