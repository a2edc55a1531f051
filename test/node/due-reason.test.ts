import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SnapshotReason } from "../../src/chanbackup/snapshot.ts";
import { DueReason } from "../../src/node/due-reason.ts";

const folds: readonly { name: string; put: readonly SnapshotReason[]; left: SnapshotReason }[] = [
  { name: "one", put: ["start"], left: "start" },
  {
    name: "an event after others",
    put: ["start", "follow-up", "channel-event"],
    left: "channel-event",
  },
  {
    name: "an event before others",
    put: ["channel-event", "file-changed", "reconnected"],
    left: "channel-event",
  },
  {
    name: "a changed file among others",
    put: ["start", "file-changed", "follow-up"],
    left: "file-changed",
  },
  { name: "reasons that only make sure", put: ["reconnected", "follow-up"], left: "reconnected" },
];

describe("the reason that is due", () => {
  for (const { name, put, left } of folds) {
    it(`is one of all that came: ${name}`, async () => {
      const due = new DueReason();
      for (const reason of put) due.put(reason);
      const abort = new AbortController();
      const found: SnapshotReason[] = [];
      for await (const reason of due.drain(abort.signal)) {
        found.push(reason);
        setImmediate(() => abort.abort());
      }
      assert.deepEqual(found, [left]);
    });
  }

  it("wakes the one who waits", async () => {
    const due = new DueReason();
    const reasons = due.drain(new AbortController().signal);
    const next = reasons.next();
    setImmediate(() => due.put("refresh"));
    assert.deepEqual(await next, { done: false, value: "refresh" });
  });

  it("ends when it is told to, and with a defect", async () => {
    const due = new DueReason();
    const abort = new AbortController();
    const next = due.drain(abort.signal).next();
    setImmediate(() => abort.abort());
    assert.deepEqual(await next, { done: true, value: undefined });
    const other = due.drain(new AbortController().signal).next();
    setImmediate(() => due.fail(new Error("a defect")));
    await assert.rejects(other, /a defect/);
  });
});
