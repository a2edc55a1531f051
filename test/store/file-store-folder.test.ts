import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { type Logger, silentLogger } from "../../src/runtime/logger.ts";
import { translateFileError } from "../../src/store/file-errors.ts";
import { FileStore } from "../../src/store/file-store.ts";
import {
  collect,
  encode,
  listKeys,
  readText,
  rejectsWith,
  uniqueBytes,
} from "../../src/testing/object-store-helpers.ts";

describe("FileStore as a folder", () => {
  let parent: string;
  let root: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "scb-file-folder-"));
    root = join(parent, "store");
  });
  afterEach(() => rm(parent, { recursive: true }));

  function open(logger: Logger = silentLogger): FileStore {
    return new FileStore({ root, logger });
  }

  async function refusesAll(store: FileStore, code: ErrorCode): Promise<void> {
    await rejectsWith(code, store.get("a/b"));
    await rejectsWith(code, store.head("a/b"));
    await rejectsWith(code, store.put("a/b", uniqueBytes()));
    await rejectsWith(code, store.delete("a/b"));
    await rejectsWith(code, collect(store.list("")));
    await rejectsWith(code, collect(store.listFolders("")));
  }

  it("keeps objects as plain files that cp reads", async () => {
    const store = open();
    await store.put("node/versions/1.backup", encode("raw"), { metadata: { a: "1" } });
    assert.equal(await readFile(join(root, "node/versions/1.backup"), "utf8"), "raw");
    assert.equal(store.location, `file://${root}`);
  });

  it("sees what was edited, added and removed by hand", async () => {
    const store = open();
    const { etag } = await store.put("a/b", encode("one"), { metadata: { a: "1" } });
    await writeFile(join(root, "a/b"), "by hand");
    const edited = await store.get("a/b");
    assert.notEqual(edited?.etag, etag);
    assert.deepEqual(edited?.metadata, {});
    await rejectsWith(
      "store-precondition",
      store.put("a/b", uniqueBytes(), { condition: { kind: "match", etag } }),
    );
    await writeFile(join(root, "a/c"), "new");
    assert.deepEqual(await listKeys(store), ["a/b", "a/c"]);
    await unlink(join(root, "a/b"));
    assert.equal(await store.get("a/b"), null);
  });

  it("takes metadata along when the folder is copied", async () => {
    const store = open();
    const { etag } = await store.put("a/b", encode("one"), { metadata: { a: "1" } });
    await cp(root, join(parent, "copy"), { recursive: true });
    const copy = new FileStore({ root: join(parent, "copy"), logger: silentLogger });
    const object = await copy.get("a/b");
    assert.deepEqual(object?.metadata, { a: "1" });
    assert.equal(object?.etag, etag);
  });

  it("takes damaged metadata for none", async () => {
    const store = open();
    await store.put("a/b", encode("one"), { metadata: { a: "1" } });
    for (const entry of await readdir(join(root, "a"))) {
      if (entry.endsWith(".meta")) await writeFile(join(root, "a", entry), '{"etag":');
    }
    assert.deepEqual((await store.get("a/b"))?.metadata, {});
  });

  it("keeps no metadata of contents that are gone", async () => {
    const store = open();
    for (let step = 0; step < 3; step++) {
      await store.put("a/b", uniqueBytes(), { metadata: { step: String(step) } });
    }
    assert.equal((await readdir(join(root, "a"))).length, 2);
    await store.delete("a/b");
    assert.deepEqual(await readdir(root), []);
  });

  it("never lists what is hidden, linked, or has no name of a key", async () => {
    const store = open();
    await store.put("a/b", uniqueBytes(), { metadata: { a: "1" } });
    await mkdir(join(root, ".Trash"));
    await writeFile(join(root, ".Trash/x"), "");
    await mkdir(join(root, "lost+found"));
    await writeFile(join(root, "a/.DS_Store"), "");
    await writeFile(join(root, "a/with space"), "");
    await symlink("b", join(root, "a/link"));
    assert.deepEqual(await listKeys(store), ["a/b"]);
    assert.deepEqual(await collect(store.listFolders("")), ["a"]);
    await rejectsWith("store-rejected", store.get("a/link"));
  });

  it("refuses a key that is a folder, and one below an object", async () => {
    const store = open();
    await store.put("a/b", uniqueBytes());
    await rejectsWith("store-rejected", store.put("a", uniqueBytes()));
    await rejectsWith("store-rejected", store.put("a/b/c", uniqueBytes()));
    assert.equal(await store.get("a/b/c"), null);
    assert.deepEqual(await listKeys(store), ["a/b"]);
    assert.deepEqual(await readdir(root), ["a"]);
  });

  it("makes its root with the first put and not before", async () => {
    const store = open();
    assert.equal(await store.get("a"), null);
    assert.deepEqual(await listKeys(store), []);
    await store.delete("a");
    assert.equal(existsSync(root), false);
    await store.put("a", encode("x"));
    assert.equal(await readText(open(), "a"), "x");
  });

  it("makes no folder above its root", async () => {
    root = join(parent, "not-mounted/store");
    await refusesAll(open(), "store-no-bucket");
    assert.equal(existsSync(join(parent, "not-mounted")), false);
  });

  it("does not make its root again when that has gone", async () => {
    const store = open();
    await store.put("a/b", uniqueBytes());
    await rename(root, `${root}-away`);
    await refusesAll(store, "store-no-bucket");
    assert.equal(existsSync(root), false);
    await rename(`${root}-away`, root);
    await store.put("a/b", encode("back"));
    assert.equal(await readText(store, "a/b"), "back");
  });

  it("calls no object missing, nor another, when its root goes in the middle of a put", async () => {
    const codes = new Set<string>();
    const moments = 120;
    for (let moment = 0; moment < moments; moment += 1) {
      root = join(parent, `goes-${moment}`);
      const store = open();
      await store.put("a/b", uniqueBytes());
      const startedAt = performance.now();
      const { etag } = await store.put("a/b", uniqueBytes());
      const putMs = performance.now() - startedAt;
      const put = store.put("a/b", uniqueBytes(), { condition: { kind: "match", etag } }).then(
        () => "done",
        (error: unknown) => ScbError.from(error).code,
      );
      const goesAt = performance.now() + (putMs * 3 * moment) / moments;
      while (performance.now() < goesAt) await setImmediate();
      renameSync(root, `${root}-away`);
      codes.add(await put);
    }
    assert.ok(codes.has("done") && codes.has("store-no-bucket"), [...codes].join());
    assert.ok(!codes.has("store-missing") && !codes.has("store-precondition"), [...codes].join());
  });

  it("notices that its root is on another disk than before", async () => {
    await mkdir(`${root}-disk`);
    await symlink(`${root}-disk`, root);
    const store = open();
    await store.put("a/b", uniqueBytes());
    await unlink(root);
    await symlink("/proc", root);
    await refusesAll(store, "store-no-bucket");
  });

  it("takes the lock of a writer that was killed", async () => {
    const store = open();
    await store.put("a/b", encode("one"));
    await mkdir(join(root, "a/.b.lock"));
    await writeFile(join(root, "a/.b.lock/token"), "never committed");
    const startedAt = performance.now();
    await store.put("a/b", encode("two"));
    assert.ok(performance.now() - startedAt < 4_000);
    assert.equal(await readText(store, "a/b"), "two");
    assert.deepEqual(await readdir(join(root, "a")), ["b"]);
  });

  it("clears away what killed writers left an hour ago, and nothing younger", async () => {
    await open().put("a/b", uniqueBytes());
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const entry of [".pending-old", ".pending-new", ".x.lock", ".y.lock"]) {
      const path = join(root, "a", entry);
      await mkdir(path);
      await writeFile(join(path, "token"), "left");
      if (entry === ".pending-old" || entry === ".x.lock") await utimes(path, old, old);
    }
    await open().put("a/b", uniqueBytes());
    assert.deepEqual((await readdir(join(root, "a"))).sort(), [".pending-new", ".y.lock", "b"]);
  });

  it("reports what it cannot clear away, and puts all the same", async () => {
    await open().put("a/b", uniqueBytes());
    const old = new Date(Date.now() - 2 * 3_600_000);
    await mkdir(join(root, "a/.x.lock/not-a-file"), { recursive: true });
    await utimes(join(root, "a/.x.lock"), old, old);
    const warnings: object[] = [];
    await open({ ...silentLogger, warn: (facts) => warnings.push(facts) }).put(
      "a/b",
      encode("new"),
    );
    assert.equal(warnings.length, 1);
    assert.equal(await readText(open(), "a/b"), "new");
  });
});

describe("translateFileError", () => {
  const cases: readonly (readonly [system: string, code: ErrorCode, says: RegExp])[] = [
    ["ENOSPC", "store-busy", /disk is full/],
    ["EDQUOT", "store-busy", /quota/],
    ["EACCES", "store-denied", /permission/],
    ["EPERM", "store-denied", /permit/],
    ["EROFS", "store-denied", /read-only/],
    ["ENAMETOOLONG", "store-rejected", /too long/],
    ["EIO", "store-unknown", /disk reports an error/],
    ["ESTALE", "store-unknown", /ESTALE/],
  ];
  for (const [system, code, says] of cases) {
    it(`takes ${system} for ${code}`, () => {
      const cause = Object.assign(new Error("system"), { code: system });
      const error = translateFileError(cause, "writing a in file:///x");
      assert.ok(error instanceof ScbError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.match(error.message, /^writing a in file:\/\/\/x failed/);
      assert.equal(error.cause, cause);
    });
  }

  it("hands on what is ours, and what is no system error", () => {
    const ours = new ScbError("aborted", "stopped");
    const defect = new TypeError("defect");
    assert.equal(translateFileError(ours, "x"), ours);
    assert.equal(translateFileError(defect, "x"), defect);
  });
});
