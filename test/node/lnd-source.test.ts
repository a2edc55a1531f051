import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileCredentials } from "../../src/node/lnd/credentials.ts";
import { LndNode } from "../../src/node/lnd/lnd-node.ts";
import { LndSource } from "../../src/node/lnd/lnd-source.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type FakeLnd, fakeMacaroon, fakePubkey, lndError, point, tlsFile } from "./fake-lnd.ts";
import { fakeSetup, quick } from "./fake-node.ts";
import { Follower, until } from "./source-probe.ts";

describe("snapshots of lnd", () => {
  it("knows who the node is", async () => {
    await using setup = await fakeSetup();
    assert.deepEqual(await setup.source().identify(), { pubkey: fakePubkey, network: "regtest" });
  });

  it("takes the export, verified by lnd, with sorted channel points", async () => {
    await using setup = await fakeSetup();
    // Its bytes are not the same in both directions.
    const other = `${"0123456789abcdef".repeat(4)}:7`;
    setup.lnd.channelPoints = [point(2), point(1, 10), other, point(1, 9)];
    const before = Date.now();
    const snapshot = await setup.source().snapshot("refresh");
    assert.deepEqual(snapshot.channelPoints, [other, point(1, 9), point(1, 10), point(2)]);
    assert.ok(setup.lnd.known.has(Buffer.from(snapshot.packed).toString("hex")));
    assert.equal(snapshot.verifiedBy, "lnd");
    assert.equal(snapshot.reason, "refresh");
    assert.ok(snapshot.takenAt >= before && snapshot.takenAt <= Date.now());
  });

  it("takes an export of thousands of channels", async () => {
    await using setup = await fakeSetup();
    setup.lnd.channelPoints = Array.from({ length: 5_000 }, (_, index) => point(3, index));
    const snapshot = await setup.source().snapshot("start");
    assert.ok(snapshot.packed.length > 1_500_000);
    assert.equal(snapshot.channelPoints?.length, 5_000);
  });

  it("calls bare what lnd calls restored, before the export or after it", async () => {
    await using setup = await fakeSetup();
    const [kept, closed, restored] = [point(1), point(2), point(3)];
    setup.lnd.channelPoints = [kept, closed, restored];
    setup.lnd.waitingClose.set(kept, "ChanStatusCommitBroadcasted");
    setup.lnd.waitingClose.set(closed, "ChanStatusLocalDataLoss|ChanStatusRestored");
    setup.lnd.waitingClose.set(point(4), "ChanStatusRestored");
    const source = setup.source();
    setup.lnd.onExport = () => {
      setup.lnd.waitingClose.delete(closed);
      setup.lnd.waitingClose.set(restored, "ChanStatusRestored");
    };
    const { bareChannelPoints } = await source.snapshot("start");
    assert.deepEqual(bareChannelPoints, [closed, restored]);
    assert.deepEqual((await source.snapshot("start")).bareChannelPoints, [restored]);
  });

  it("names what is in limbo after the export, at no call more", async () => {
    await using setup = await fakeSetup();
    const { lnd } = setup;
    const [gone, resolved] = [point(2), point(1)];
    lnd.channelPoints = [gone];
    lnd.forceClosing = [resolved];
    lnd.limboSat.set(gone, 40_000n);
    lnd.maturityHeights.set(gone, [1_040]);
    lnd.onExport = () => {
      lnd.forceClosing = [gone];
      lnd.closed.set(resolved, 1);
    };
    const { limbo } = await setup.source().snapshot("channel-event");
    assert.deepEqual(limbo, [{ channelPoint: gone, limboSat: 40_000, maturityHeight: 1_040 }]);
    assert.deepEqual(lnd.calls.toSorted(), [
      "ExportAllChannelBackups",
      "GetInfo",
      "PendingChannels",
      "PendingChannels",
      "VerifyChanBackup",
    ]);
  });

  it("refuses an export that is cut off", async () => {
    await using setup = await fakeSetup();
    setup.lnd.channelPoints = [point(1)];
    setup.lnd.cutOffBytes = 1;
    await assert.rejects(setup.source().snapshot("start"), (error) => {
      return hasCode(error, "decode") && /truncated/.test(error.message);
    });
  });

  it("refuses an export with other channels than lnd lists", async () => {
    await using setup = await fakeSetup();
    setup.lnd.channelPoints = [point(1), point(2)];
    setup.lnd.listed = [point(1), point(3)];
    await assert.rejects(setup.source().snapshot("start"), (error) => {
      return (
        hasCode(error, "decode") && /whose channels aren.t those that it lists/.test(error.message)
      );
    });
  });

  it("connects no more once it was closed, also where it was about to", async () => {
    await using setup = await fakeSetup();
    const source = setup.source();
    const identifying = source.identify();
    await source.close();
    await assert.rejects(identifying, (error) => hasCode(error, "aborted"));
    assert.deepEqual(setup.lnd.calls, []);
  });

  it("stops at once when it is told to", async () => {
    await using setup = await fakeSetup();
    const source = setup.source();
    await source.identify();
    setup.lnd.hanging.add("ExportAllChannelBackups");
    const abort = new AbortController();
    const snapshot = source.snapshot("start", abort.signal);
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(snapshot, { code: "aborted" });
    await assert.rejects(source.snapshot("start", abort.signal), { code: "aborted" });
  });

  it("gives up a connection on which there was no answer", async () => {
    await using setup = await fakeSetup();
    const source = setup.source({}, setup.node({ timing: { callTimeoutMs: 300 } }));
    setup.lnd.hanging.add("ExportAllChannelBackups");
    await assert.rejects(source.snapshot("start"), { code: "node-unavailable" });
    setup.lnd.hanging.clear();
    await source.snapshot("start");
    const attempt = ["GetInfo", "PendingChannels", "ExportAllChannelBackups"];
    assert.deepEqual(setup.lnd.calls.slice(0, 6), [...attempt, ...attempt]);
  });

  it("reads certificate and macaroon anew", async () => {
    await using setup = await fakeSetup();
    const source = setup.source();
    await source.snapshot("start");
    const rotated = Buffer.from(fakeMacaroon).fill(7, 20);
    setup.lnd.macaroon = rotated;
    await assert.rejects(source.snapshot("start"), { code: "node-denied" });
    await writeFile(setup.macaroonPath, rotated);
    await source.snapshot("start");
  });
});

describe("changes of lnd", () => {
  it("is due at the start, a little later, and at each message of the stream", async () => {
    await using setup = await fakeSetup();
    await using follower = new Follower(setup.source());
    await until("the follow-up", () => follower.reasons.length === 2);
    assert.deepEqual(follower.reasons, ["start", "follow-up"]);
    await until("the stream", () => setup.lnd.streams.size === 1);
    for (const stream of setup.lnd.streams) stream.push();
    await until("the event", () => follower.reasons.length === 3);
    assert.equal(follower.reasons[2], "channel-event");
    assert.deepEqual(setup.heard.troubles, []);
  });

  it("folds what comes while the consumer is busy, and keeps the strongest reason", async () => {
    await using setup = await fakeSetup();
    const gate = Promise.withResolvers<void>();
    await using follower = new Follower(setup.source(), () => gate.promise);
    await until("the stream", () => setup.lnd.streams.size === 1);
    for (const stream of setup.lnd.streams) for (let i = 0; i < 100; i++) stream.push();
    await delay(150);
    gate.resolve();
    await until("the folded event", () => follower.reasons.length === 2);
    await delay(50);
    assert.deepEqual(follower.reasons, ["start", "channel-event"]);
  });

  const losses: Record<string, (lnd: FakeLnd) => void> = {
    "ends cleanly": (lnd) => {
      for (const stream of lnd.streams) stream.end();
    },
    "ends with an error": (lnd) => {
      for (const stream of lnd.streams)
        stream.end(lndError("unable to fetch all static chan backups"));
    },
    "is torn down": (lnd) => lnd.reset(),
  };
  for (const [name, lose] of Object.entries(losses)) {
    it(`connects again when the stream ${name}`, async () => {
      await using setup = await fakeSetup();
      await using follower = new Follower(setup.source());
      await until("the follow-up", () => follower.reasons.length === 2);
      await until("the stream", () => setup.lnd.streams.size === 1);
      lose(setup.lnd);
      await until("the second follow-up", () => follower.reasons.length === 4);
      assert.deepEqual(follower.reasons.slice(2), ["reconnected", "follow-up"]);
      assert.equal(setup.heard.troubles.length, 1);
      assert.equal(setup.heard.troubles[0]?.code, "node-unavailable");
      assert.equal(setup.heard.recoveries, 1);
      await until("the new stream", () => setup.lnd.streams.size === 1);
      for (const stream of setup.lnd.streams) stream.push();
      await until("an event", () => follower.reasons.at(-1) === "channel-event");
    });
  }

  it("waits for lnd as long as it takes, and says so", async () => {
    await using setup = await fakeSetup();
    await using follower = new Follower(setup.source());
    await until("the follow-up", () => follower.reasons.length === 2);
    await setup.lnd.stop();
    await until("some trouble", () => setup.heard.troubles.length > 3);
    assert.match(setup.heard.troubles.at(-1)?.message ?? "", /nothing listens there/);
    assert.equal(setup.heard.recoveries, 0);
    await setup.lnd.start();
    await until("the second follow-up", () => follower.reasons.length === 4);
    assert.deepEqual(follower.reasons.slice(2), ["reconnected", "follow-up"]);
    assert.equal(setup.heard.recoveries, 1);
  });

  it("waits longer from failure to failure, and is quick again after a time that was good", async () => {
    await using setup = await fakeSetup();
    const source = new LndSource({
      ...quick,
      stableAfterMs: 1_000,
      node: setup.node(),
      observer: setup.heard,
      clock: systemClock,
      random: { ...systemRandom, unit: () => 0.999 },
    });
    await using follower = new Follower(source);
    await setup.lnd.stop();
    await until("some trouble", () => setup.heard.troubles.length > 5);
    await setup.lnd.start();
    await until("the stream", () => setup.lnd.streams.size === 1);
    await delay(1_050);
    const before = setup.heard.retriesInMs.length;
    setup.lnd.reset();
    await until("the reconnect", () => follower.reasons.includes("reconnected"));
    assert.deepEqual(setup.heard.retriesInMs.slice(0, 5), [5, 10, 20, 40, 40]);
    assert.equal(setup.heard.retriesInMs[before], 5);
  });

  it("takes no recovery from a stream that is refused", async () => {
    await using setup = await fakeSetup();
    setup.lnd.failures.set("SubscribeChannelBackups", lndError("permission denied"));
    await using follower = new Follower(setup.source({ followUpMs: 1_000 }));
    await until("some trouble", () => setup.heard.troubles.length > 3);
    assert.equal(setup.heard.recoveries, 0);
    assert.ok(setup.heard.troubles.every(({ code }) => code === "node-denied"));
    setup.lnd.failures.clear();
    await until("the recovery", () => setup.heard.recoveries === 1);
    assert.ok(!follower.reasons.includes("channel-event"));
  });

  it("follows a renewed certificate", async () => {
    await using setup = await fakeSetup();
    const certificatePath = `${setup.folder}/tls.cert`;
    await writeFile(certificatePath, await readFile(tlsFile("elsewhere.cert.pem")));
    const node = new LndNode({
      address: setup.lnd.address,
      credentials: fileCredentials(certificatePath, setup.macaroonPath),
      network: null,
    });
    await using follower = new Follower(setup.source({}, node));
    await until("trouble", () => setup.heard.troubles.length > 0);
    assert.equal(setup.heard.troubles[0]?.code, "node-untrusted");
    await writeFile(`${certificatePath}.new`, await readFile(tlsFile("fake-lnd.cert.pem")));
    await rename(`${certificatePath}.new`, certificatePath);
    await until("the start", () => follower.reasons.includes("start"));
    node.close();
  });

  it("goes on without a macaroon file until there is one again", async () => {
    await using setup = await fakeSetup();
    await rm(setup.macaroonPath);
    await using follower = new Follower(setup.source());
    await until("trouble", () => setup.heard.troubles.length > 1);
    assert.equal(setup.heard.troubles[0]?.code, "io");
    await writeFile(setup.macaroonPath, fakeMacaroon);
    await until("the start", () => follower.reasons.includes("start"));
  });

  it("never follows another node at the same address", async () => {
    await using setup = await fakeSetup();
    const source = setup.source();
    await using follower = new Follower(source);
    await until("the follow-up", () => follower.reasons.length === 2);
    setup.lnd.pubkey = `03${"cd".repeat(32)}`;
    setup.lnd.reset();
    await until("trouble", () => setup.heard.troubles.some(({ code }) => code === "wrong-node"));
    await assert.rejects(source.snapshot("refresh"), { code: "wrong-node" });
    assert.deepEqual(follower.reasons, ["start", "follow-up"]);
  });

  it("asks nothing of a node that has not said who it is", async () => {
    await using setup = await fakeSetup();
    setup.lnd.hanging.add("GetInfo");
    const source = setup.source();
    const abort = new AbortController();
    const calls = [source.identify(abort.signal), source.snapshot("start", abort.signal)];
    await until("the question", () => setup.lnd.calls.length > 0);
    calls.push(source.snapshot("start", abort.signal));
    await delay(50);
    assert.deepEqual(setup.lnd.calls, ["GetInfo"]);
    abort.abort();
    for (const call of calls) await assert.rejects(call, { code: "aborted" });
  });

  it("finds by pings a peer that is gone without a word", async () => {
    await using setup = await fakeSetup();
    await using line = await Line.to(setup.lnd.port);
    const timing = { pingIntervalMs: 100, pingTimeoutMs: 100, callTimeoutMs: 60_000 };
    const node = setup.node({ address: `localhost:${line.port}`, timing });
    await using follower = new Follower(setup.source({}, node));
    await until("the follow-up", () => follower.reasons.length === 2);
    line.freeze();
    await until("trouble", () => setup.heard.troubles.length > 0);
    line.thaw();
    await until("the reconnect", () => follower.reasons.includes("reconnected"));
  });

  it("finds by asking an lnd that hangs while its machine answers", async () => {
    await using setup = await fakeSetup();
    const node = setup.node({ timing: { callTimeoutMs: 200 } });
    await using follower = new Follower(setup.source({ livenessIntervalMs: 50 }, node));
    await until("the follow-up", () => follower.reasons.length === 2);
    setup.lnd.hanging.add("GetInfo");
    await until("trouble", () => setup.heard.troubles.length > 0);
    assert.match(setup.heard.troubles[0]?.message ?? "", /no answer to GetInfo within 0.2 s/);
    setup.lnd.hanging.clear();
    await until("the reconnect", () => follower.reasons.includes("reconnected"));
  });

  it("ends when it is closed, twice", async () => {
    await using setup = await fakeSetup();
    const source = setup.source();
    await using follower = new Follower(source);
    await until("the start", () => follower.reasons.length > 0);
    await source.close();
    await source.close();
    await assert.rejects(source.snapshot("start"), { code: "aborted" });
    await until("the stream's end", () => setup.lnd.streams.size === 0);
  });
});

/** A TCP connection that can be cut in such a way that neither end hears of it. */
class Line implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer();
  #isFrozen = false;

  static async to(port: number): Promise<Line> {
    const line = new Line();
    line.#server.on("connection", (near) => {
      const far = connect(port, "localhost");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        line.#sockets.add(from);
        from.on("data", (chunk) => line.#isFrozen || to.write(chunk));
        from.on("close", () => to.destroy());
        from.on("error", () => to.destroy());
      }
    });
    line.#server.listen(0, "localhost");
    await once(line.#server, "listening");
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === "object");
    return address.port;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
