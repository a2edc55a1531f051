import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import { decipherWords } from "../../src/keychain/aezeed-words.ts";
import { HdKeyRing } from "../../src/keychain/hd-key-ring.ts";
import { keyFamilies } from "../../src/keychain/key-locator.ts";
import { keyRingEncrypter } from "../../src/keychain/key-ring.ts";
import { BackupFileSource } from "../../src/node/backup-file.ts";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { resolveLndConfig } from "../../src/node/lnd/lnd-config.ts";
import { LndKeyRing } from "../../src/node/lnd/lnd-key-ring.ts";
import { LndNode } from "../../src/node/lnd/lnd-node.ts";
import { LndSource } from "../../src/node/lnd/lnd-source.ts";
import { LndAndFileSource } from "../../src/node/lnd-and-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { ErrorCode } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode as LndPeer } from "../peers/lnd-node.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Follower, Heard, until } from "./source-probe.ts";

const parts = { clock: systemClock, random: systemRandom };

peerSuite("a real lnd", ["lnd"], () => {
  let network: LndNetwork;
  let alice: LndPeer;
  let bob: LndPeer;
  /** Of alice, with what scb-mirror recommends and nothing else. */
  let leastMacaroonPath: string;

  before(async () => {
    network = await startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob"] });
    alice = network.node("alice");
    bob = network.node("bob");
    leastMacaroonPath = await alice.bakeMacaroon(
      lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`),
    );
  });
  after(() => network?.[Symbol.asyncDispose]());

  interface Reach {
    readonly macaroonpath?: string;
    readonly tlscertpath?: string;
  }

  async function reach({ macaroonpath = leastMacaroonPath, tlscertpath }: Reach = {}) {
    const { rpcserver, lnddir } = alice;
    const options = { rpcserver, lnddir, network: "simnet", macaroonpath, tlscertpath } as const;
    const node = new LndNode(await resolveLndConfig(options));
    const heard = new Heard();
    const source = new LndSource({ ...parts, node, observer: heard });
    return { node, heard, source, [Symbol.asyncDispose]: () => source.close() };
  }

  it("is reached with lncli's defaults below its folder", async () => {
    const { rpcserver, lnddir } = alice;
    const node = new LndNode(await resolveLndConfig({ rpcserver, lnddir, network: "simnet" }));
    assert.deepEqual(await node.identify(), { pubkey: alice.pubkey, network: "simnet" });
    node.close();
  });

  it("is mirrored with the macaroon that is recommended: opened, rewritten, closed", async () => {
    await using reached = await reach();
    const { source, node, heard } = reached;
    const fileHeard = new Heard();
    const { channelBackupPath: path } = alice;
    const file = new BackupFileSource({
      ...parts,
      path,
      observer: fileHeard,
      inspect: async (packed) => ({
        channelPoints: await node.verify(packed),
        bareChannelPoints: null,
        verifiedBy: "lnd" as const,
      }),
      pollIntervalMs: 60_000,
    });
    await using follower = new Follower(source);
    await using fileFollower = new Follower(file);
    await until("the follow-up", () => follower.reasons.includes("follow-up"), 20_000);
    await until("the file", () => fileFollower.reasons.includes("start"));
    assert.deepEqual((await source.snapshot("start")).channelPoints, []);

    const events = () => follower.reasons.filter((reason) => reason === "channel-event").length;
    const channel = await network.openChannel(alice, bob, { sat: 1_000_000 });
    await until("the events of opening", () => events() >= 2, 20_000);
    const snapshot = await source.snapshot("channel-event");
    assert.deepEqual(snapshot.channelPoints, [channel]);
    assert.deepEqual(await alice.verifyChanBackup(snapshot.packed), [channel]);
    assert.deepEqual(await node.openChannelPoints(), [channel]);
    await until("the file's change", () => fileFollower.reasons.includes("file-changed"));
    const fromFile = await file.snapshot("file-changed");
    assert.deepEqual(fromFile.channelPoints, [channel]);
    assert.deepEqual(fromFile.packed, new Uint8Array(await readFile(path)));

    const eventsBefore = events();
    await network.closeChannel(alice, channel);
    await network.mine(6);
    await until("the events of closing", () => events() > eventsBefore, 20_000);
    assert.deepEqual((await source.snapshot("channel-event")).channelPoints, []);
    assert.deepEqual([heard.troubles, fileHeard.troubles], [[], []]);
  });

  it("keeps in its file what it has force closed, and both together take the file", async () => {
    await using reached = await reach();
    const forced = await network.openChannel(alice, bob, { sat: 900_000 });
    const kept = await network.openChannel(alice, bob, { sat: 800_000 });
    await network.closeChannel(alice, forced, "force");
    await network.mine(6);
    const heard = new Heard();
    const both = new LndAndFileSource({
      ...parts,
      node: reached.node,
      path: alice.channelBackupPath,
      observer: heard,
    });
    const snapshot = await both.snapshot("start");
    assert.deepEqual(snapshot.channelPoints, [forced, kept].sort());
    assert.deepEqual((await reached.source.snapshot("start")).channelPoints, [kept]);
    assert.deepEqual(heard.troubles, []);
  });

  for (const how of ["lncli", "SIGTERM", "SIGKILL"] as const) {
    it(`is followed again after ${how} and a start`, async () => {
      await using reached = await reach();
      const { source, heard } = reached;
      await using follower = new Follower(source);
      await until("the follow-up", () => follower.reasons.includes("follow-up"), 20_000);
      if (how === "SIGKILL") await alice.kill();
      else await alice.stop(how);
      await until("trouble", () => heard.troubles.length > 0);
      await alice.start();
      await until("the recovery", () => heard.recoveries > 0, 30_000);
      assert.ok(follower.reasons.includes("reconnected"));
      const met: readonly ErrorCode[] = ["node-unavailable", "node-locked", "node-syncing"];
      for (const error of heard.troubles) assert.ok(met.includes(error.code), error.message);
      assert.equal((await source.snapshot("reconnected")).channelPoints?.length, 1);
    });
  }

  it("refuses another node's macaroon, and one that allows too little", async () => {
    const foreign = join(alice.lnddir, "foreign.macaroon");
    await copyFile(bob.adminMacaroonPath, foreign);
    await using stranger = await reach({ macaroonpath: foreign });
    await assert.rejects(stranger.source.identify(), {
      code: "node-denied",
      message: /does not accept the macaroon .*foreign\.macaroon/,
    });
    const weak = await alice.bakeMacaroon(["uri:/lnrpc.Lightning/GetInfo"]);
    await using weakling = await reach({ macaroonpath: weak });
    await weakling.source.identify();
    await assert.rejects(weakling.source.snapshot("start"), {
      code: "node-denied",
      message: /does not allow PendingChannels: bake one .* `lncli bakemacaroon/,
    });
  });

  it("gives its backup key with a macaroon for just that, and with the mirror's does not", async () => {
    const keyMacaroon = await alice.bakeMacaroon([
      "uri:/lnrpc.Lightning/GetInfo",
      "uri:/walletrpc.WalletKit/DeriveKey",
    ]);
    await using reached = await reach({ macaroonpath: keyMacaroon });
    const keyRing = new LndKeyRing(reached.node);
    const fromWords = HdKeyRing.fromEntropy(await decipherWords(alice.words, () => ""), "simnet");
    for (const family of [keyFamilies.nodeKey, keyFamilies.baseEncryption]) {
      const locator = { family, index: 0 };
      assert.deepEqual(await keyRing.deriveKey(locator), await fromWords.deriveKey(locator));
    }
    const encrypter = await keyRingEncrypter(keyRing, systemRandom);
    unpackMulti(await alice.exportChanBackup(), encrypter);

    await using least = await reach();
    await assert.rejects(keyRingEncrypter(new LndKeyRing(least.node), systemRandom), {
      code: "node-denied",
      message: /does not allow DeriveKey: .*uri:\/walletrpc\.WalletKit\/DeriveKey/,
    });
  });

  it("is not trusted with another node's certificate", async () => {
    await using stranger = await reach({ tlscertpath: bob.tlsCertPath });
    await assert.rejects(stranger.source.identify(), {
      code: "node-untrusted",
      message: /its certificate isn.t the one in/,
    });
  });

  it("is told from its REST and peer ports", async () => {
    for (const rpcserver of [alice.restHost, alice.listenHost]) {
      const { lnddir } = alice;
      const config = await resolveLndConfig({ rpcserver, lnddir, network: "simnet" });
      const node = new LndNode(config, {
        callTimeoutMs: 2_000,
        pingIntervalMs: 10_000,
        pingTimeoutMs: 10_000,
      });
      await assert.rejects(node.identify(), { code: "node-unavailable" });
      node.close();
    }
  });

  it("refuses a backup of another seed", async () => {
    await using reached = await reach();
    await assert.rejects(reached.node.verify(await bob.exportChanBackup()), {
      code: "decrypt",
      message: /from another seed/,
    });
  });

  it("says that its wallet is locked, and is followed when it is not any more", async () => {
    await alice.stop("SIGTERM");
    await alice.start({ unlock: false });
    await using reached = await reach();
    await assert.rejects(reached.source.identify(), {
      code: "node-locked",
      message: /its wallet is locked: run `lncli unlock`/,
    });
    await using follower = new Follower(reached.source);
    await until("trouble", () => reached.heard.troubles.length > 0);
    await alice.kill();
    await alice.start();
    await until("the start", () => follower.reasons.includes("start"), 30_000);
  });
});
