import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/nested-clients/sts";
import { z } from "zod";
import { drillCalls, lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli, startRun } from "../support/cli.ts";
import { bakeLeastPrivilege } from "../support/lnd-mirror.ts";

const bucketName = "drilled";
const reportSchema = z.looseObject({
  ok: z.boolean(),
  verdict: z.string(),
  opened: z.object({
    hash: z.boolean().nullable(),
    key: z.boolean().nullable(),
    lnd: z.boolean().nullable(),
  }),
  covered: z.boolean().nullable(),
  counts: z.looseObject({ comesBackSat: z.number().nullable() }),
  channels: z.array(
    z.looseObject({
      channelPoint: z.string(),
      inBackup: z.boolean().nullable(),
      state: z.string().nullable(),
      comesBackSat: z.number().nullable(),
      commitment: z.string().nullable(),
      delayBlocks: z.number().nullable(),
      connected: z.boolean().nullable(),
      connectedAt: z.string().nullable(),
      reach: z.string(),
    }),
  ),
  problems: z.array(z.object({ code: z.string(), message: z.string() })),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  notChecked: z.array(z.string()),
  recordedAs: z.string().nullable(),
});
type Report = z.infer<typeof reportSchema>;
const verifySchema = z.object({
  ok: z.boolean(),
  checked: z.number(),
  openedBy: z.string().nullable(),
  problems: z.array(z.object({ code: z.string() })),
});

const balancesSchema = z.object({
  channels: z.array(z.object({ channel_point: z.string(), local_balance: z.string() })),
});

// An operator's drills, on a good day and on bad ones. Each test continues where the last one ended.
peerSuite("drills on a real node", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let alice: LndNode;
  let bob: LndNode;
  let folder: string;
  let node: readonly string[];
  let key: readonly string[];
  let readOnly: NodeJS.ProcessEnv;
  const to = () => ["--to", `s3://${bucketName}`, "--node", alice.pubkey];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-drill-"));
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob"] }),
      startMinio(),
    ]);
    alice = network.node("alice");
    bob = network.node("bob");
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    const calls = [...lndCalls, ...drillCalls].map((call) => `uri:/lnrpc.Lightning/${call}`);
    node = fromLnd(await alice.bakeMacaroon(calls));
    const words = join(folder, "words");
    await writeFile(words, alice.words.join(" "), { mode: 0o600 });
    key = ["--key-file", words];
    readOnly = await readOnlyCredential();
    await network.openChannel(alice, bob, { sat: 500_000, type: "tweakless" });
    await network.openChannel(bob, alice, { sat: 700_000, type: "taproot" });
    await network.pay(alice, bob, 20_000);
    await network.pay(bob, alice, 1_000);
    await mirrorOnce();
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const fromLnd = (macaroonPath: string, lnd = alice): readonly string[] => [
    ...["--from", "lnd", "--rpcserver", lnd.rpcserver, "--network", "simnet"],
    ...["--tlscertpath", lnd.tlsCertPath, "--macaroonpath", macaroonPath],
  ];
  const mirrorOnce = async (): Promise<void> => {
    const saved = await runCli(["run", "--once", ...node, ...to()], { env: minio.env() });
    assert.equal(saved.code, 0, saved.stderr);
  };
  /** Read-only credentials. */
  const readOnlyCredential = async (): Promise<NodeJS.ProcessEnv> => {
    const { endpoint, region, accessKeyId, secretAccessKey } = minio;
    const sts = new STSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
    const Action = ["s3:GetObject", "s3:ListBucket"];
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action, Resource: "arn:aws:s3:::*" }],
    });
    const role = { RoleArn: "arn:minio:iam:::role/unused", RoleSessionName: "test", Policy };
    const { Credentials } = await sts.send(new AssumeRoleCommand(role));
    sts.destroy();
    return {
      ...minio.env(),
      AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey,
      AWS_SESSION_TOKEN: Credentials?.SessionToken,
    };
  };
  const drill = async (
    args: readonly string[],
    env: NodeJS.ProcessEnv = minio.env(),
  ): Promise<Report> => {
    const result = await runCli(["drill", "--json", ...args, ...to()], { env });
    assert.ok(result.code === 0 || result.code === 3, result.stderr);
    const report = reportSchema.parse(result.json());
    assert.equal(result.code, report.ok ? 0 : 3);
    assert.equal(report.ok, report.verdict === "would-restore");
    assert.ok(!result.stdout.includes(alice.words.join(" ")));
    return report;
  };
  const codes = ({ problems }: Report): string[] => problems.map(({ code }) => code);

  it("proves a good day: opened by both, every channel, every balance", async () => {
    const report = await drill([...node, ...key]);
    assert.deepEqual(codes(report), []);
    assert.deepEqual(report.warnings, []);
    assert.deepEqual(report.opened, { hash: true, key: true, lnd: true });
    assert.equal(report.covered, true);
    const { channels } = await alice.query(balancesSchema, "listchannels");
    assert.deepEqual(
      report.channels.map(({ channelPoint, comesBackSat }) => [channelPoint, comesBackSat]).sort(),
      channels.map((one) => [one.channel_point, Number(one.local_balance)]).sort(),
    );
    assert.ok(report.channels.every(({ connected }) => connected === true));
    assert.deepEqual(
      report.channels.map(({ commitment, delayBlocks }) => `${commitment} ${delayBlocks}`).sort(),
      ["static-remote-key 0", "taproot 1"],
    );
  });

  it("is kept, and shown by status", async () => {
    const { recordedAs } = await drill(node);
    const status = await runCli(["status", "--json", ...to()], { env: minio.env() });
    const { lastDrill, healthy } = z
      .object({ healthy: z.boolean(), lastDrill: z.object({ key: z.string(), ok: z.boolean() }) })
      .parse(status.json());
    assert.deepEqual([healthy, lastDrill], [true, { key: recordedAs, ok: true }]);
  });

  it("with a credential that only reads: the same verdict, told as not kept", async () => {
    const held = await bucket.listing();
    const report = await drill([...node, ...key], readOnly);
    assert.equal(report.ok, true);
    assert.equal(report.recordedAs, null);
    assert.deepEqual(
      report.warnings.map(({ code }) => code),
      ["not-recorded"],
    );
    assert.deepEqual(await bucket.listing(), held);
  });

  it("with the mirror's own macaroon: the peers are not known, and which call it lacks", async () => {
    const report = await drill(fromLnd(await bakeLeastPrivilege(alice)));
    assert.equal(report.ok, true);
    assert.ok(report.channels.every(({ connected }) => connected === null));
    for (const call of drillCalls) {
      assert.ok(
        report.notChecked.some((what) => what.includes(`does not allow ${call}`)),
        call,
      );
    }
  });

  it("dials: a peer that listens, and one that has gone", async () => {
    const there = await drill([...node, ...key, "--dial"]);
    assert.ok(there.channels.every(({ reach }) => reach === "answers"));
    await bob.kill();
    const gone = await drill([...node, ...key, "--dial"]);
    assert.equal(gone.ok, true, "the backup is good; the peer may come back");
    assert.ok(gone.channels.every(({ connected, reach }) => !connected && reach === "no-answer"));
    assert.deepEqual(
      gone.warnings.map(({ code }) => code),
      ["no-answer"],
    );
    await bob.start();
    await network.connect(alice, bob);
  });

  it("a channel that the mirror was not there for", async () => {
    const missed = await network.openChannel(alice, bob, { sat: 300_000 });
    const report = await drill([...node, ...key]);
    assert.deepEqual(codes(report), ["not-covered"]);
    assert.equal(report.verdict, "would-not-restore");
    assert.equal(report.covered, false);
    assert.deepEqual(
      report.channels.filter(({ inBackup }) => !inBackup).map((one) => one.channelPoint),
      [missed],
    );
    await mirrorOnce();
    assert.equal((await drill(node)).ok, true);
  });

  it("a running mirror drills by itself, and says it", async () => {
    await using running = startRun([...node, ...to(), "--drill-interval", "1s"], {
      env: minio.env(),
    });
    const drilled = await running.event("drilled");
    assert.equal(drilled["ok"], true);
    assert.equal(await running.end(), 0);
  });

  it("a channel that is closing and one that is closed are no failure", async () => {
    const [first = ""] = await alice.channelPoints();
    await network.closeChannel(alice, first, "force");
    const closing = await drill(node);
    assert.deepEqual(codes(closing), []);
    const stateOf = ({ channels }: Report) =>
      channels.find(({ channelPoint }) => channelPoint === first)?.state;
    assert.equal(stateOf(closing), "closing");
    await network.mine(6);
    const after6 = await drill([...node, ...key]);
    assert.deepEqual(codes(after6), []);
    assert.ok(["closing", "closed"].includes(stateOf(after6) ?? ""));
  });

  it("bytes that have rotted, with status unhealthy until a drill succeeds again", async () => {
    const { pointer, bytes } = await bucket.current(alice.pubkey);
    const whole = `${alice.pubkey}/${pointer.version.key}`;
    const { metadata } = await bucket.get(whole);
    const rotten = Uint8Array.from(bytes);
    rotten[100] = (rotten[100] ?? 0) ^ 1;
    await bucket.put(whole, rotten, metadata);
    const report = await drill([...node, ...key]);
    assert.deepEqual(codes(report), ["version-damaged"]);
    await bucket.put(whole, bytes, metadata);
    const status = () => runCli(["status", ...to()], { env: minio.env() });
    assert.match((await status()).stdout, /drill-failed: the last drill/);
    assert.equal((await drill(node)).ok, true);
    assert.equal((await status()).code, 0);
  });

  it("verify has lnd open every version, and another lnd opens none", async () => {
    const verify = async (by: readonly string[]) => {
      const result = await runCli(["verify", "--json", ...by, ...to()], { env: minio.env() });
      return { code: result.code, ...verifySchema.parse(result.json()) };
    };
    const good = await verify(node);
    assert.deepEqual(
      { code: good.code, ok: good.ok, openedBy: good.openedBy, problems: good.problems },
      { code: 0, ok: true, openedBy: "lnd", problems: [] },
    );
    assert.ok(good.checked >= 2);
    const stranger = await verify(fromLnd(bob.adminMacaroonPath, bob));
    assert.equal(stranger.code, 3);
    assert.equal(stranger.problems.length, good.checked);
    assert.ok(stranger.problems.every(({ code }) => code === "undecryptable"));
  });

  it("another seed than this node's", async () => {
    const wrong = join(folder, "wrong");
    await writeFile(wrong, "ab".repeat(32), { mode: 0o600 });
    const report = await drill([...node, "--key-file", wrong]);
    assert.deepEqual(codes(report), ["wrong-key"]);
    assert.deepEqual(report.opened, { hash: true, key: false, lnd: true });
  });

  it("a node that is down: the key opens it, and the rest is not known", async () => {
    await alice.kill();
    const report = await drill([...node, ...key]);
    assert.equal(report.verdict, "unknown");
    assert.deepEqual(codes(report), ["node-unread"]);
    assert.match(report.problems[0]?.message ?? "", /nothing listens there/);
    assert.equal(report.opened.key, true);
    const alone = await drill([...key, "--network", "simnet"]);
    assert.equal(alone.ok, true);
    assert.equal(alone.covered, null);
  });
});
