import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FileCalls, FileTask } from "../../src/store/file-calls.ts";
import { PendingFile, revokeLock } from "../../src/store/pending-file.ts";
import { encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";

/** A clock on which each sleep takes half a second and no time passes in this world. */
function fastClock(): Clock {
  let elapsedMs = 0;
  return {
    now: () => elapsedMs,
    monotonicMs: () => elapsedMs,
    async sleep(_ms, signal) {
      elapsedMs += 500;
      await systemClock.sleep(0, signal);
    },
  };
}

describe("PendingFile", () => {
  let folder: string;
  const random = systemRandom;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-pending-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const task = (signal = new AbortController().signal): FileTask =>
    new FileTask(new FileCalls(systemClock), signal);

  function stage(token: string, signal?: AbortSignal): Promise<PendingFile> {
    return PendingFile.stage({ folder, name: "x", token, task: task(signal) }, encode(token), null);
  }

  it("commits in one step and frees the lock with it", async () => {
    const first = await stage("first");
    await first.lock({ clock: fastClock(), random });
    assert.deepEqual(await readdir(join(folder, ".x.lock")), ["first"]);
    assert.equal(await first.commit(), true);
    const second = await stage("second");
    await second.lock({ clock: fastClock(), random });
    await first.discard();
    assert.deepEqual(await readdir(join(folder, ".x.lock")), ["second"]);
    assert.equal(await second.commit(), true);
    await second.discard();
    assert.deepEqual(await readdir(folder), ["x"]);
    assert.equal(await readFile(join(folder, "x"), "utf8"), "second");
  });

  it("cannot commit any more once a waiter has taken the lock for stale", async () => {
    const holder = await stage("holder");
    await holder.lock({ clock: fastClock(), random });
    const waiter = await stage("waiter");
    await waiter.lock({ clock: fastClock(), random });
    assert.equal(await holder.commit(), false);
    await holder.discard();
    assert.equal(await waiter.commit(), true);
    assert.equal(await holder.commit(), false);
    await waiter.discard();
    assert.equal(await readFile(join(folder, "x"), "utf8"), "waiter");
    assert.deepEqual(await readdir(folder), ["x"]);
  });

  it("cannot place its metadata or commit once the lock was revoked", async () => {
    const holder = await PendingFile.stage(
      { folder, name: "x", token: "t", task: task() },
      encode("t"),
      "{}",
    );
    await holder.lock({ clock: fastClock(), random });
    await revokeLock(task(), join(folder, ".x.lock"));
    assert.equal(await holder.placeSidecar(join(folder, ".x.meta")), false);
    assert.equal(await holder.commit(), false);
    await holder.discard();
    assert.deepEqual(await readdir(folder), []);
  });

  it("is not disturbed by a revocation that comes after its commit", async () => {
    const holder = await stage("holder");
    await holder.lock({ clock: fastClock(), random });
    assert.equal(await holder.commit(), true);
    await revokeLock(task(), join(folder, ".x.lock"));
    await holder.discard();
    assert.equal(await readFile(join(folder, "x"), "utf8"), "holder");
  });

  it("does not take the lock from one who just got it", async () => {
    let holder = await stage("holder-0");
    await holder.lock({ clock: fastClock(), random });
    const waiter = await stage("waiter");
    let turns = 0;
    const clock = fastClock();
    const waiting = waiter.lock({
      random,
      clock: {
        ...clock,
        // Before a second is over the lock has changed hands, ten times in a row.
        async sleep(ms, signal) {
          await clock.sleep(ms, signal);
          if (turns++ >= 10) return holder.discard();
          await holder.discard();
          holder = await stage(`holder-${turns}`);
          await holder.lock({ clock: fastClock(), random });
          assert.deepEqual(await readdir(join(folder, ".x.lock")), [`holder-${turns}`]);
        },
      },
    });
    await waiting;
    assert.ok(turns >= 10);
    await waiter.discard();
  });

  it("stops waiting when the signal says so, and leaves nothing", async () => {
    await mkdir(join(folder, ".x.lock"));
    await writeFile(join(folder, ".x.lock", "other"), "");
    const abort = new AbortController();
    const waiter = await stage("waiter", abort.signal);
    const waiting = waiter.lock({ clock: systemClock, random });
    setTimeout(() => abort.abort(), 30);
    await rejectsWith("aborted", waiting);
    await waiter.discard();
    assert.deepEqual(await readdir(folder), [".x.lock"]);
  });
});
