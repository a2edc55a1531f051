import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../../src/runtime/clock.ts";
import { type ErrorCode, hasCode } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FileCalls, FileTask } from "../../src/store/file-calls.ts";
import { readFileObject } from "../../src/store/file-object.ts";
import { FileStore } from "../../src/store/file-store.ts";
import {
  collect,
  encode,
  listKeys,
  readText,
  rejectsWith,
} from "../../src/testing/object-store-helpers.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type HungDisk, mountHungDisk } from "../support/hung-disk.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";

const run = promisify(execFile);

describe("FileStore, of what is no object", () => {
  let root: string;
  let store: FileStore;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "scb-file-bounds-"));
    store = new FileStore({ root, logger: silentLogger });
  });
  afterEach(() => rm(root, { recursive: true }));

  async function refuses(key: string, code: ErrorCode, says: RegExp): Promise<void> {
    const startedMs = performance.now();
    for (const call of [
      () => store.get(key),
      () => store.head(key),
      () => store.put(key, encode("x")),
      () => store.put(key, encode("x"), { condition: { kind: "absent" } }),
      () => store.delete(key),
    ]) {
      assert.match((await rejectsWith(code, call())).message, says);
    }
    assert.ok(performance.now() - startedMs < 3_000);
  }

  it("a pipe: refused at once, and not listed", async () => {
    await run("mkfifo", [join(root, "latest.json")]);
    await refuses("latest.json", "store-rejected", /pipe or a device/);
    assert.deepEqual(await listKeys(store), []);
  });

  it("an endless device: refused at once, and not listed", async (t) => {
    if (process.getuid?.() !== 0) return skipWithoutRoot(t);
    await run("mknod", [join(root, "latest.json"), "c", "1", "5"]);
    await refuses("latest.json", "store-rejected", /pipe or a device/);
    assert.deepEqual(await listKeys(store), []);
  });

  it("a huge file: refused before memory is taken", async () => {
    await writeFile(join(root, "huge"), "");
    await truncate(join(root, "huge"), 8 * 1024 ** 3);
    const before = process.memoryUsage().rss;
    await refuses("huge", "store-too-large", /larger than the limit of 209715200 bytes/);
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
    assert.deepEqual(await listKeys(store), ["huge"]);
  });

  it("a file that says nothing of its size: read up to what is allowed", async () => {
    const proc = new FileStore({ root: "/proc/self", logger: silentLogger });
    const { length } = (await proc.get("maps"))?.bytes ?? new Uint8Array();
    assert.ok(length > 4096);
    await rejectsWith("store-too-large", proc.get("maps", { maxBytes: 4096 }));
  });

  it("metadata that is a pipe, or huge: none", async () => {
    await store.put("a", encode("one"), { metadata: { a: "1" } });
    const { stdout } = await run("find", [root, "-name", "*.meta"]);
    const path = stdout.trim();
    await truncate(path, 8 * 1024 ** 3);
    assert.deepEqual((await store.get("a"))?.metadata, {});
    await rm(path);
    await run("mkfifo", [path]);
    assert.deepEqual((await store.get("a"))?.metadata, {});
  });

  it("an object that is replaced at any moment of its reading keeps its metadata", async () => {
    for (let moment = 1; moment <= 8; moment += 1) {
      const key = `a${moment}`;
      await store.put(key, encode("one"), { metadata: { step: "1" } });
      class Interrupted extends FileCalls {
        #made = 0;
        override async make<T>(call: () => Promise<T>): Promise<T> {
          this.#made += 1;
          if (this.#made === moment) {
            await store.put(key, encode("two"), { metadata: { step: "2" } });
          }
          return super.make(call);
        }
      }
      const task = new FileTask(new Interrupted(systemClock), new AbortController().signal);
      const tooLarge = (): Error => new Error("too large");
      const read = await readFileObject(root, key, { task, maxBytes: 100, tooLarge });
      const [text, step] = [new TextDecoder().decode(read?.bytes), read?.metadata["step"]];
      assert.ok(
        (text === "one" && step === "1") || (text === "two" && step === "2"),
        `${text} ${step} at ${moment}`,
      );
    }
  });
});

function whileBusy(error: unknown): undefined {
  if (!hasCode(error, "store-busy")) throw error;
}

describe("FileStore on a folder that hangs", () => {
  /** Of an operation: three times the timeout of a request. */
  const [requestTimeoutMs, limitMs] = [200, 600];
  let parent: string;
  let root: string;
  let disk: HungDisk | null;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "scb-file-hung-"));
    root = join(parent, "store");
    await mkdir(root);
    disk = null;
  });
  afterEach(async () => {
    await disk?.release();
    await rm(parent, { recursive: true });
  });

  const open = (at = root): FileStore =>
    new FileStore({ root: at, logger: silentLogger, requestTimeoutMs });

  function hang(t: TestContext): boolean {
    disk = mountHungDisk(root);
    if (disk === null) skipWithoutRoot(t);
    return disk !== null;
  }

  const calls: readonly (readonly [
    name: string,
    call: (store: FileStore, signal?: AbortSignal) => Promise<unknown>,
  ])[] = [
    ["get", (store, signal) => store.get("a", { signal })],
    ["head", (store, signal) => store.head("a", { signal })],
    ["put", (store, signal) => store.put("a", encode("x"), { signal })],
    ["list", (store, signal) => collect(store.list("", { signal }))],
    ["listFolders", (store, signal) => collect(store.listFolders("", { signal }))],
    ["delete", (store, signal) => store.delete("a", { signal })],
  ];

  async function within<T>(ms: number, run: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await run();
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < ms, `took ${Math.round(tookMs)} ms`);
    return result;
  }

  for (const [name, call] of calls) {
    it(`${name} is given up in time, and the next ones at once`, async (t) => {
      const store = open();
      await store.put("a", encode("before"));
      if (!hang(t)) return;
      const error = await within(limitMs + 500, () => rejectsWith("store-unknown", call(store)));
      assert.match(error.message, /does not answer/);
      for (const [, next] of calls) {
        const busy = await within(200, () => rejectsWith("store-busy", next(store)));
        assert.match(busy.message, /was not tried/);
      }
      await disk?.release();
      const held = await waitFor("an answer", () => readText(store, "a").catch(whileBusy), {
        timeoutMs: 5_000,
      });
      assert.equal(held, "before");
    });

    it(`${name} lets go when it is told to`, async (t) => {
      const store = open();
      if (!hang(t)) return;
      const signal = AbortSignal.timeout(50);
      await within(300, () => rejectsWith("aborted", call(store, signal)));
    });
  }

  it("keeps nothing else of this process waiting, however much is asked of it", async (t) => {
    const other = open(join(parent, "other"));
    const hung = open();
    if (!hang(t)) return;
    const asked = Array.from({ length: 20 }, () => rejectsWith("store-unknown", hung.get("a")));
    await within(400, async () => {
      await other.put("a", encode("well"));
      assert.equal(await readText(other, "a"), "well");
      await lookup("localhost");
    });
    await Promise.all(asked);
  });

  it("leaves a thread to others even when two folders hang", async (t) => {
    const second = join(parent, "second");
    await mkdir(second);
    if (!hang(t)) return;
    await using _ = mountHungDisk(second);
    const stores = [open(), open(second)];
    const asked = stores.flatMap((store) =>
      Array.from({ length: 4 }, () => rejectsWith("store-unknown", store.get("a"))),
    );
    await within(400, async () => {
      await stat(parent);
      await lookup("localhost");
    });
    await Promise.all(asked);
  });
});

describe("FileTask", () => {
  it("begins no call any more once its operation was given up, but puts things in order", async () => {
    const abort = new AbortController();
    const task = new FileTask(new FileCalls(systemClock), abort.signal);
    const made: string[] = [];
    const call = (name: string) => async () => void made.push(name);
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const waiting = [1, 2].map(() =>
      task.run(() => {
        begun += 1;
        return gate.promise;
      }),
    );
    // Calls that hung in the tests before may be on their way out.
    await waitFor("both calls", () => (begun === 2 ? true : undefined), { timeoutMs: 5_000 });
    const queued = task.run(call("queued"));
    abort.abort();
    const late = task.run(call("late"));
    const finish = task.finish(call("finish"));
    gate.resolve();
    await Promise.all(waiting);
    await rejectsWith("aborted", queued);
    await rejectsWith("aborted", late);
    await finish;
    assert.deepEqual(made, ["finish"]);
  });
});
