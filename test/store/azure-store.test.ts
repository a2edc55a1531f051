import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { inspect } from "node:util";
import { systemClock } from "../../src/runtime/clock.ts";
import { AzureRequests } from "../../src/store/azure-requests.ts";
import { AzureStore } from "../../src/store/azure-store.ts";
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
import { type Azurite, startAzurite } from "../peers/azurite.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { setEnv, withEnv } from "../support/env.ts";

peerSuite("AzureStore on Azurite", ["azurite"], () => {
  let azurite: Azurite;
  let env: Disposable | undefined;

  before(async () => {
    azurite = await startAzurite();
    await azurite.createContainer("container");
    env = setEnv(azurite.env());
  });
  after(async () => {
    env?.[Symbol.dispose]();
    await azurite[Symbol.asyncDispose]();
  });

  const place = (path: string, more = ""): string =>
    `abs://${azurite.account}@${path}?endpoint=${azurite.endpoint}${more}`;
  const open = (path: string): Promise<ObjectStore> => openStore(place(path));

  peerConformance("azurite", async () =>
    newGroundAt(parseLocation(place("container/pre")), "ground"),
  );

  it("says of every call that the container is not there", async () => {
    const store = await open("no-such-container/p");
    const conditions = [
      undefined,
      { kind: "absent" },
      { kind: "match", etag: '"0x8D4BCC2E4835CD0"' },
    ] as const;
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
      await open("container"),
      await open("container/pre/fix"),
      await open("container/pre/fix2"),
    ];
    await inner.put("a/b", encode("inner"));
    await sibling.put("a/b", encode("sibling"));
    assert.equal(await readText(root, "pre/fix/a/b"), "inner");
    assert.deepEqual(await listKeys(inner), ["a/b"]);
    assert.deepEqual(await listKeys(root, "pre/fix"), ["pre/fix/a/b", "pre/fix2/a/b"]);
    assert.equal(inner.location, `abs://${azurite.account}@container/pre/fix`);
    assert.equal(await inner.service?.(), azurite.endpoint);
    for (const store of [root, inner, sibling]) await store.close();
  });

  it("takes no etag that Azure has another meaning for", async () => {
    const store = await open(`container/${randomUUID()}`);
    const { etag } = await store.put("a", encode("x"));
    // "*" is any blob that is there.
    for (const other of ["*", '"*"', `${etag}, "x"`, `W/${etag}`, etag.replaceAll('"', "")]) {
      const condition = { kind: "match", etag: other } as const;
      await rejectsWith("store-precondition", store.put("a", uniqueBytes(), { condition }));
    }
    assert.equal(await readText(store, "a"), "x");
    await store.close();
  });

  it("keeps names of metadata apart that Azure could not take as they are", async () => {
    const store = await open(`container/${randomUUID()}`);
    const metadata = {
      "scb-schema": "1",
      scbschema: "2",
      "1a": "3",
      "-1a": "4",
      "n-1a": "5",
      n: "6",
    };
    await store.put("a", encode("x"), { metadata });
    assert.deepEqual((await store.get("a"))?.metadata, metadata);
    assert.deepEqual((await store.head("a"))?.metadata, metadata);
    await store.close();
  });

  it("lists more than one page, in order", async () => {
    const location = parseLocation(place(`container/pages-${randomUUID()}`));
    assert.ok(location.kind === "abs");
    const { prefix } = location;
    const patience = { requestTimeoutMs: 10_000, connectTimeoutMs: 5_000 };
    const requests = await AzureRequests.open({ location, clock: systemClock, ...patience });
    const store = new AzureStore({ requests, prefix, pageSize: 7, ...patience });
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

  it("tells its clock, and that this credential may delete", async () => {
    const store = await open("container");
    const survey = await store.inspection?.survey();
    assert.deepEqual(survey?.objectLock, { kind: "off" });
    assert.ok(Math.abs(survey?.clockSkewMs ?? Number.NaN) < 5_000);
    const rights = await store.inspection?.mayDelete(`versions/${randomUUID()}`);
    assert.equal(rights?.objects, true);
    await store.close();
  });

  it("denies with the remedy, and without the secret, for a wrong key", async () => {
    const wrong = Buffer.from("a-wrong-key-that-is-long-enough").toString("base64");
    await withEnv({ AZURE_STORAGE_KEY: wrong }, async () => {
      const store = await open("container/p");
      for (const call of [
        () => store.get("a"),
        () => store.put("a", uniqueBytes()),
        () => collect(store.list("")),
      ]) {
        const error = await rejectsWith("store-denied", call());
        assert.match(error.message, /the key, SAS or token is refused/);
        assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(wrong));
      }
      // Azurite has another code for it than Azure, and to HEAD no words.
      await rejectsWith("store-denied", store.head("a"));
      await store.close();
    });
  });

  it("is busy while the store is down, and works on when it is back", async () => {
    const store = await open("container/outage");
    await store.put("a", encode("before"));
    await azurite.kill();
    await rejectsWith("store-busy", store.put("a", encode("during")));
    await rejectsWith("store-busy", store.get("a"));
    await azurite.restart();
    // It writes to its disk now and then only.
    await azurite.createContainer("container");
    await store.put("a", encode("after"));
    assert.equal(await readText(store, "a"), "after");
    await store.close();
  });
});
