import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { versionKey } from "../../src/repository/layout.ts";
import {
  type Attestation,
  attest,
  attestationKey,
  listAttestations,
  readAttested,
} from "../../src/repository/mirror-record.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";

const ids = [
  "01KXWNJS600ABCDEFGHJKMNPQR",
  "01KXWNJS600ABCDEFGHJKMNPQS",
  "01KXWNJS600ABCDEFGHJKMNPQT",
];
const [one = "", two = "", three = ""] = ids;
const minuteMs = 60_000;

function attestation(at: number, change: Partial<Attestation> = {}): Attestation {
  const key = versionKey(7, one);
  return {
    state: "running",
    at: new Date(at).toISOString(),
    nodeSeenAt: new Date(at).toISOString(),
    version: { key, sequence: 7, sha256: "ab".repeat(32) },
    intervalMs: 300_000,
    writer: "scb-mirror/0.1.0 pi 1",
    ...change,
  };
}

/** A store whose clock is this process's. */
function newStore() {
  return { store: new MemoryStore(), now: Date.now() };
}

describe("the attestations of mirrors", () => {
  it("are none before a mirror wrote one", async () => {
    const { store, now } = newStore();
    assert.deepEqual(await readAttested(store, now), { kind: "none" });
    await store.put("mirrors/notes.txt", Buffer.from("not ours"));
    assert.deepEqual(await readAttested(store, now), { kind: "none" });
  });

  it("are one object a mirror, which the next one replaces", async () => {
    const { store, now } = newStore();
    await attest(store, one, attestation(now - minuteMs));
    await attest(store, one, attestation(now, { state: "stopped" }));
    assert.equal((await listAttestations(store)).length, 1);
    const attested = await readAttested(store, now);
    assert.ok(attested.kind === "last");
    assert.equal(attested.last.state, "stopped");
    assert.equal(attested.last.key, attestationKey(one));
    assert.equal(attested.last.savedAt, now);
  });

  it("count by the newest, whichever mirror wrote it, and whenever that began", async () => {
    const { store, now } = newStore();
    await attest(store, three, attestation(now - 20 * minuteMs));
    await attest(store, one, attestation(now - minuteMs, { writer: "w" }));
    await attest(store, two, attestation(now - 10 * minuteMs));
    const attested = await readAttested(store, now);
    assert.equal(attested.kind === "last" && attested.last.writer, "w");
  });

  it("are no younger than the store's clock has them", async () => {
    const { store, now } = newStore();
    await attest(store, one, attestation(now + 365 * 24 * 60 * minuteMs));
    const attested = await readAttested(store, now);
    assert.ok(attested.kind === "last" && attested.last.savedAt < now + minuteMs);
  });

  it("from later than now by both clocks are wrong, and hide no other", async () => {
    const { store, now } = newStore();
    await attest(store, one, attestation(now + 60 * minuteMs));
    const past = now - 60 * minuteMs;
    const unclear = await readAttested(store, past);
    assert.equal(unclear.kind, "unclear");
    await attest(store, two, attestation(past - minuteMs));
    const attested = await readAttested(store, past);
    assert.equal(attested.kind === "last" && attested.last.key, attestationKey(two));
  });

  it("that can't be read are unclear, and hide no other", async () => {
    const { store, now } = newStore();
    const evil = JSON.parse(
      JSON.stringify({ schema: 1, ...attestation(now), writer: "\u001b[2Jall is well" }),
    );
    const unreadable = [
      Buffer.from("{"),
      Buffer.from(JSON.stringify(evil)),
      Buffer.from(JSON.stringify({ ...evil, writer: "w", schema: 2 })),
      Buffer.from(JSON.stringify({ ...evil, writer: "w", intervalMs: 1e12 })),
      Buffer.alloc(2 * 1024 * 1024, 0x20),
    ];
    for (const bytes of unreadable) {
      await store.put(attestationKey(one), bytes);
      assert.equal(
        (await readAttested(store, now)).kind,
        "unclear",
        bytes.subarray(0, 40).toString(),
      );
    }
    await attest(store, two, attestation(now - minuteMs));
    assert.equal((await readAttested(store, now)).kind, "last");
  });

  it("aren't written if nobody could read them", async () => {
    const { store, now } = newStore();
    const wrong = attestation(now, { writer: "two\nlines" });
    await assert.rejects(attest(store, one, wrong), { code: "encode" });
  });
});
