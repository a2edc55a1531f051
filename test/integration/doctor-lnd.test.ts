import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, it } from "node:test";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCli } from "../support/cli.ts";
import { doctorSchema, levelsOf, messageOf } from "../support/doctor-report.ts";
import { bakeLeastPrivilege } from "../support/lnd-mirror.ts";

const bucketName = "doctored";
const to = ["--to", `s3://${bucketName}`];

// Words are dealt with, so what the program prints is searched for them.
peerSuite("doctor, on a real lnd and MinIO", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let alice: LndNode;
  let bob: LndNode;
  let least: string;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-doctor-"));
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob"] }),
      startMinio(),
    ]);
    alice = network.node("alice");
    bob = network.node("bob");
    await minio.createBucket(bucketName, { versioning: true });
    least = await bakeLeastPrivilege(alice);
    await network.openChannel(alice, bob, { sat: 500_000 });
    const saved = await runCli(["run", "--once", ...lnd(), ...to], { env: minio.env() });
    assert.equal(saved.code, 0, saved.stderr);
  });
  after(async () => {
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const lnd = (macaroonPath = least): readonly string[] => [
    ...["--from", "lnd", "--rpcserver", alice.rpcserver, "--network", "simnet"],
    ...["--tlscertpath", alice.tlsCertPath, "--macaroonpath", macaroonPath],
  ];

  async function doctor(args: readonly string[], code: number, macaroonPath = least) {
    const result = await runCli(["doctor", "--json", ...args], { env: minio.env() });
    const told = result.stdout + result.stderr;
    assert.equal(result.code, code, told);
    const macaroon = await readFile(macaroonPath);
    const secrets = [
      minio.secretAccessKey,
      alice.words.slice(0, 3).join(" "),
      macaroon.subarray(-32).toString("hex"),
      macaroon.toString("base64url").slice(20, 80),
    ];
    for (const secret of secrets) assert.ok(!told.includes(secret), "no secret is told");
    return doctorSchema.parse(result.json());
  }

  it("finds all good where all is good: store, node, key and cover", async () => {
    const words = join(folder, "words.txt");
    await writeFile(words, alice.words.join(" "), { mode: 0o600 });
    const report = await doctor([...lnd(), ...to, "--key-file", words], 0);
    const levels = levelsOf(report);
    const rest = Object.keys(levels).filter((name) => levels[name] !== "good");
    assert.deepEqual(rest, ["key", "store-delete"], "words spend, and root may delete");
    assert.match(messageOf(report, "key"), /it can also spend/);
    assert.match(messageOf(report, "node-reach"), new RegExp(`version 0\\..*node ${alice.pubkey}`));
    assert.match(messageOf(report, "node-backup"), /of 1 channels/);
    assert.match(messageOf(report, "key-opens-backup"), /1 channels/);
  });

  it("works with the node alone, and prints lines for people", async () => {
    const { code, stdout } = await runCli(["doctor", ...lnd()], { env: minio.env() });
    assert.equal(code, 0);
    assert.match(stdout, /^good +macaroon-excess +.* allows nothing that isn't needed$/m);
    assert.match(stdout, /^no problem found \(warnings: 0, not known: 0\)$/m);
    assert.ok(!/store|cover/.test(stdout.replaceAll(folder, "")), stdout);
  });

  it("reads from lnd's own macaroons what they may do too much", async () => {
    const admin = await doctor(lnd(alice.adminMacaroonPath), 0, alice.adminMacaroonPath);
    assert.equal(levelsOf(admin)["macaroon-needed"], "good");
    assert.match(messageOf(admin, "macaroon-excess"), /offchain:write/);
    assert.match(messageOf(admin, "macaroon-excess"), /onchain:write.*spend/);

    const readonly = join(dirname(alice.adminMacaroonPath), "readonly.macaroon");
    const reads = await doctor(lnd(readonly), 0, readonly);
    assert.match(messageOf(reads, "macaroon-excess"), /can't change anything, but can read more/);

    const invoice = join(dirname(alice.adminMacaroonPath), "invoice.macaroon");
    const lacks = await doctor(lnd(invoice), 3, invoice);
    assert.match(
      messageOf(lacks, "macaroon-needed"),
      /doesn.t allow GetInfo, .*lncli bakemacaroon/,
    );
    assert.match(messageOf(lacks, "node-reach"), /does not allow GetInfo/);
  });

  it("reads from a macaroon under which conditions it holds", async () => {
    const limits = ["--timeout=3600", "--ip_address=127.0.0.1"];
    const bound = await alice.bakeMacaroon([
      ...limits,
      ...lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`),
    ]);
    const report = await doctor(lnd(bound), 0, bound);
    assert.match(
      messageOf(report, "macaroon-conditions"),
      /time-before .*ipaddr 127\.0\.0\.1.*expires soon/,
    );
  });

  it("finds a channel that is not covered, and a key of another node", async () => {
    await network.openChannel(bob, alice, { sat: 400_000 });
    const key = join(folder, "other.key");
    await writeFile(key, "11".repeat(32), { mode: 0o600 });
    const report = await doctor([...lnd(), ...to, "--key-file", key], 3);
    assert.match(messageOf(report, "cover"), /1 of the node's 2 channels/);
    assert.match(messageOf(report, "key-opens-backup"), /key|seed/);
    assert.equal(levelsOf(report)["backup"], "good");
  });

  it("says what a locked wallet needs, and still looks at the store", async () => {
    await alice.stop();
    await alice.start({ unlock: false });
    const report = await doctor([...lnd(), ...to, "--node", alice.pubkey], 3);
    assert.match(messageOf(report, "node-reach"), /lncli unlock/);
    assert.equal(levelsOf(report)["store-probe"], "good");
    assert.equal(levelsOf(report)["cover"], "unknown");
  });
});
