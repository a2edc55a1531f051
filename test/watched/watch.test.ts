import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ageMs, wallTimeOf } from "../../src/watched/moment.ts";
import { newWatched } from "../../src/watched/record.ts";
import { watch } from "../../src/watched/watch.ts";
import {
  bucket,
  finding,
  momentAt,
  type Story,
  started,
  surveyed,
  swapped,
  told,
  verdict,
  versionOf,
} from "./story.ts";

const read = { kind: "confirmed", store: bucket } as const;

function cover(...events: Story) {
  const known = told(...events).stores.get(bucket)?.cover;
  return known && { covered: known.covered, missing: known.missing };
}

describe("what is known of a watched mirror", () => {
  it("is nothing at first, which is no word for safe", () => {
    const { verdict: first } = newWatched("0.1.0", momentAt(0));
    assert.equal(first.verdict, "unknown");
    assert.deepEqual(
      first.findings.map(({ code }) => code),
      ["unproved"],
    );
  });

  it("takes the verdict from the verdict alone", () => {
    const unsafe = [verdict(finding("refused")), swapped(6, ["aa:0"]), read];
    assert.equal(told(started, ...unsafe).verdict.verdict, "unsafe");
    assert.equal(told(started, ...unsafe, verdict()).verdict.verdict, "safe");
  });

  it("says since when a verdict stands, whatever it comes to rest on", () => {
    const known = told(started, verdict(finding("refused")), verdict(finding("not-saved")));
    assert.equal(known.verdict.since.monotonicMs, 3000);
    assert.deepEqual(
      known.verdict.findings.map(({ code }) => code),
      ["not-saved"],
    );
  });

  it("doesn't take a swap for a proof", () => {
    assert.equal(told(started, swapped(5, null)).stores.get(bucket)?.provedAt, null);
    assert.notEqual(told(started, swapped(5, null), read).stores.get(bucket)?.provedAt, null);
  });

  it("has no proof any more once the store lost something", () => {
    const lost = { kind: "lost", store: bucket, message: "gone" } as const;
    assert.equal(told(started, swapped(5, null), read, lost).stores.get(bucket)?.provedAt, null);
  });

  describe("which channels are covered", () => {
    it("is compared with the node's own word", () => {
      const events = [started, swapped(5, ["aa:0"]), surveyed(["aa:0", "bb:1"], ["cc:2"])] as const;
      assert.deepEqual(cover(...events), { covered: 1, missing: ["bb:1", "cc:2"] });
    });

    it("isn't known before the node was asked", () => {
      assert.equal(cover(started, swapped(5, ["aa:0"])), null);
    });

    it("takes in what a swap saved, before the node is asked again", () => {
      const before = [started, swapped(5, ["aa:0"]), surveyed(["aa:0", "bb:1"])] as const;
      assert.deepEqual(cover(...before, swapped(6, ["aa:0", "bb:1"])), { covered: 2, missing: [] });
      assert.deepEqual(cover(...before, swapped(6, ["aa:0"])), { covered: 1, missing: ["bb:1"] });
    });

    it("isn't judged by an answer that is older than the swap", () => {
      const stale = surveyed(["aa:0", "closed:1"], [], 500);
      assert.equal(cover(started, swapped(5, ["aa:0"]), stale), null);
    });

    it("isn't known if nobody opened the version", () => {
      assert.equal(cover(started, swapped(5, null), surveyed(["aa:0"])), null);
    });
  });

  it("keeps a refusal until a swap, and the same one once", () => {
    const refused = {
      kind: "refused",
      store: bucket,
      code: "empty",
      message: "it is empty",
      quarantineKey: "quarantine/1.backup",
    } as const;
    const other = { ...refused, quarantineKey: "quarantine/2.backup" };
    const count = (...events: Story) =>
      told(started, ...events).stores.get(bucket)?.refusals.length;
    assert.equal(count(refused, refused, other), 2);
    assert.equal(count(refused, refused, other, swapped(5, null)), 0);
  });

  it("tells a node that is away from a store that is away", () => {
    const trouble = { kind: "retrying", code: "store-busy", message: "not now" } as const;
    const ofStore = told(started, { ...trouble, store: bucket });
    assert.equal(ofStore.nodeTrouble, null);
    assert.equal(ofStore.stores.get(bucket)?.trouble?.code, "store-busy");
    const ofNode = told(started, { ...trouble, store: null }, { ...trouble, store: null });
    assert.equal(ofNode.nodeTrouble?.since.monotonicMs, 2000);
    assert.equal(ofNode.stores.get(bucket)?.trouble, null);
  });

  it("is bounded, however long the mirror runs", () => {
    let known = told(started);
    for (let at = 0; at < 2000; at += 1) {
      const refused = { kind: "refused", store: bucket, code: `c${at}`, message: "m" } as const;
      known = watch(known, { ...refused, quarantineKey: null }, momentAt(at));
    }
    assert.ok(known.timeline.length <= 240);
    assert.ok((known.stores.get(bucket)?.refusals.length ?? 0) <= 20);
  });

  it("counts the requests of a store before its folder is read", () => {
    const request = { kind: "requested", store: bucket, operation: "get", outcome: "ok" } as const;
    const known = told(request, request, started).stores.get(bucket);
    assert.equal(known?.requests.get("get ok"), 2);
    assert.equal(known?.sequence, 4);
  });

  it("knows what the store holds if nothing has to be saved", () => {
    const latest = versionOf(4);
    const unchanged = { kind: "unchanged", store: bucket, latest, covers: ["aa:0"] } as const;
    const known = told(started, unchanged).stores.get(bucket);
    assert.equal(known?.latest, latest);
    assert.equal(known?.provedAt?.monotonicMs, 2000);
  });
});

describe("how old something is", () => {
  const seen = { wallMs: 1_000_000, monotonicMs: 1_000 };
  it("goes by the clock that says it is older", () => {
    assert.equal(ageMs(seen, { wallMs: 400_000, monotonicMs: 61_000 }), 60_000);
    assert.equal(ageMs(seen, { wallMs: 1_060_000, monotonicMs: 2_000 }), 60_000);
  });

  it("is told by the wall clock of now", () => {
    assert.equal(wallTimeOf(seen, { wallMs: 400_000, monotonicMs: 61_000 }), 340_000);
  });
});
