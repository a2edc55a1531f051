import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { systemClock } from "../../src/runtime/clock.ts";
import { GcsRequests } from "../../src/store/gcs-requests.ts";
import { GcsStore } from "../../src/store/gcs-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import {
  collect,
  encode,
  listKeys,
  readText,
  rejectsWith,
  uniqueBytes,
} from "../../src/testing/object-store-helpers.ts";
import { newGroundAt } from "../conformance/ground-at.ts";
import { peerConformance } from "../conformance/results.ts";
import { type FakeGcs, startFakeGcs } from "../peers/fake-gcs.ts";
import { peerSuite } from "../peers/peer-suite.ts";

peerSuite("GcsStore on fake-gcs-server", ["fake-gcs"], () => {
  let gcs: FakeGcs;

  before(async () => {
    gcs = await startFakeGcs();
    await gcs.createBucket("bucket");
  });
  after(() => gcs[Symbol.asyncDispose]());

  const open = (place: string): Promise<ObjectStore> =>
    openStore(`gs://${place}?endpoint=${gcs.endpoint}`);

  peerConformance("fake-gcs", async () =>
    newGroundAt(parseLocation(`gs://bucket/pre?endpoint=${gcs.endpoint}`), "ground"),
  );

  it("says of every call that the bucket is not there", async () => {
    const store = await open("no-such-bucket/p");
    const conditions = [undefined, { kind: "absent" }, { kind: "match", etag: "7" }] as const;
    const calls = [
      () => store.get("a"),
      () => store.head("a"),
      () => store.delete("a"),
      () => collect(store.list("")),
      () => collect(store.listFolders("")),
      ...conditions.map((condition) => () => store.put("a", uniqueBytes(), { condition })),
    ];
    for (const call of calls) await rejectsWith("store-no-bucket", call());
    await store.close();
  });

  it("keeps to its prefix", async () => {
    const [root, inner, sibling] = [
      await open("bucket"),
      await open("bucket/pre/fix"),
      await open("bucket/pre/fix2"),
    ];
    await inner.put("a/b", encode("inner"));
    await sibling.put("a/b", encode("sibling"));
    assert.equal(await readText(root, "pre/fix/a/b"), "inner");
    assert.deepEqual(await listKeys(inner), ["a/b"]);
    assert.deepEqual(await listKeys(root, "pre/fix"), ["pre/fix/a/b", "pre/fix2/a/b"]);
    assert.equal(inner.location, "gs://bucket/pre/fix");
    assert.equal(await inner.service?.(), gcs.endpoint);
    for (const store of [root, inner, sibling]) await store.close();
  });

  it("lists more than one page, in order", async () => {
    const prefix = `pages-${randomUUID()}`;
    const patience = { requestTimeoutMs: 10_000, connectTimeoutMs: 5_000 };
    const requests = await GcsRequests.open({
      location: "gs://bucket",
      endpoint: gcs.endpoint,
      credentials: undefined,
      clock: systemClock,
      ...patience,
    });
    const store = new GcsStore({ requests, bucket: "bucket", prefix, pageSize: 7, ...patience });
    const keys = Array.from({ length: 30 }, (_, index) => `v/${String(index).padStart(5, "0")}/x`);
    for (const key of keys) await store.put(key, encode("x"));
    assert.deepEqual(await listKeys(store, "v/"), keys);
    assert.deepEqual(await listKeys(store, "v/", "v/00020/x"), keys.slice(21));
    const folders = await collect(store.listFolders("v/"));
    assert.deepEqual(
      folders,
      keys.map((key) => key.split("/")[1]),
    );
    await store.close();
  });

  it("takes no generation that Google has another meaning for", async () => {
    const store = await open(`bucket/${randomUUID()}`);
    // "0" means that nothing may be there.
    for (const etag of ["0", "00", "-1", "1e3", "9223372036854775808"]) {
      const condition = { kind: "match", etag } as const;
      await rejectsWith("store-missing", store.put("a", uniqueBytes(), { condition }));
    }
    assert.equal(await store.head("a"), null);
    await store.close();
  });

  it("says how the bucket is set up, and that this credential may delete", async () => {
    const store = await open("bucket");
    const survey = await store.inspection?.survey();
    assert.equal(survey?.versioning, "off");
    assert.deepEqual(survey?.objectLock, { kind: "off" });
    assert.ok(Math.abs(survey?.clockSkewMs ?? Number.NaN) < 5_000);
    const rights = await store.inspection?.mayDelete(`versions/${randomUUID()}`);
    assert.deepEqual(rights, { objects: true, versions: true, leftMarker: false });
    await store.close();
  });

  it("is busy while the store is down, and works on when it is back", async () => {
    const store = await open("bucket/outage");
    await store.put("a", encode("before"));
    await gcs.kill();
    await rejectsWith("store-busy", store.put("a", encode("during")));
    await rejectsWith("store-busy", store.get("a"));
    await gcs.restart();
    await rejectsWith("store-no-bucket", store.get("a"));
    await gcs.createBucket("bucket");
    assert.equal(await store.get("a"), null);
    await store.close();
  });
});
