import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { type CliEvent, runCli, startRun, startWatch } from "../support/cli.ts";
import { credentialFor, readOnly } from "../support/credential.ts";

const bucketName = "watched";
const to = ["--to", `s3://${bucketName}/lightning`] as const;

const isOf =
  (node: string, verdict: string) =>
  (event: CliEvent): boolean =>
    event.event === "verdict" && event["node"] === node && event["verdict"] === verdict;

peerSuite("many nodes in a bucket, watched with a credential that only reads", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    minio = await startMinio();
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    for (const node of ["alice", "carol"]) {
      const args = ["run", "--from", "demo", "--once", "--node", node, ...to];
      const { code, stderr } = await runCli(args, { env: minio.env() });
      assert.equal(code, 0, stderr);
    }
    env = { ...minio.env(), ...(await credentialFor(minio, readOnly(bucketName))) };
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
  });

  it("changes nothing in it", async () => {
    const listing = await bucket.listing();
    const { code, stdout, stderr } = await runCli(["status", "--all", "--json", ...to], { env });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).nodes.length, 2);
    await using watch = startWatch([...to, "--interval", "1s"], { env });
    await watch.event(isOf("carol", "safe"));
    assert.equal(await watch.end(), 0);
    assert.deepEqual(await bucket.listing(), listing);
  });

  it("tells of a damaged version, an older pointer, a vanished folder and a new node", {
    timeout: 120_000,
  }, async () => {
    await using watch = startWatch([...to, "--interval", "1s"], { env });
    await watch.event(isOf("carol", "safe"));
    const { pointer } = await bucket.current("lightning/alice");
    await bucket.put(`lightning/alice/${pointer.version.key}`, "something else");
    const damaged = await watch.event(isOf("alice", "unsafe"));
    assert.match(JSON.stringify(damaged["findings"]), /version-damaged/);

    const lively = ["--from", "demo", "--demo-interval", "300ms", "--node", "bob", ...to];
    await using run = startRun(lively, { env: minio.env() });
    await run.event("swapped");
    const old = await bucket.get("lightning/bob/latest.json");
    const seen = run.events.length;
    await run.event((event) => event["sequence"] === 6, { after: seen });
    await run.end();
    await bucket.put("lightning/bob/latest.json", old.bytes);
    const back = await watch.event(isOf("bob", "unsafe"));
    assert.match(JSON.stringify(back["findings"]), /pointer-behind/);

    for (const entry of await bucket.listing()) {
      const key = entry.split(" ")[0] ?? "";
      if (key.startsWith("lightning/carol/")) await bucket.delete(key);
    }
    const gone = await watch.event(isOf("carol", "unsafe"));
    assert.match(JSON.stringify(gone["findings"]), /no-backup|pointer-lost/);

    const another = ["run", "--from", "demo", "--once", "--node", "dave", ...to];
    await runCli(another, { env: minio.env() });
    await watch.event(isOf("dave", "safe"));
  });

  it("says once that the store is away, and that it is back", { timeout: 120_000 }, async () => {
    const args = [...to, "--interval", "1s", "--request-timeout", "1s"];
    await using watch = startWatch(args, { env });
    await watch.event(isOf("alice", "unsafe"));
    const seen = watch.events.length;
    minio.freeze();
    await watch.event("retrying");
    minio.goOn();
    await watch.event("recovered");
    const told = watch.events.slice(seen).map(({ event }) => event);
    assert.deepEqual(told, ["retrying", "recovered"]);
  });
});
