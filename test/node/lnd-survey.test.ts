import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeSurvey } from "../../src/chanbackup/node-survey.ts";
import type { LndCall } from "../../src/node/lnd/lnd-calls.ts";
import { fakePubkey, lndError, point } from "./fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "./fake-node.ts";

const bob = `03${"cd".repeat(32)}`;

function surveyOf(setup: FakeSetup): Promise<NodeSurvey> {
  const { witness } = setup.source();
  assert.ok(witness.survey !== undefined);
  return witness.survey();
}

describe("what lnd tells a drill", () => {
  it("of its channels", async () => {
    await using setup = await fakeSetup();
    const { lnd } = setup;
    lnd.open = [point(1)];
    lnd.details.set(point(1), {
      remotePubkey: bob,
      capacity: 1_000_000n,
      localBalance: 400_000n,
      unsettledBalance: 7_000n,
      initiator: true,
      commitmentType: 4,
      thawHeight: 900_000,
      localConstraints: { csvDelay: 144, dustLimitSat: 354n },
      remoteConstraints: { csvDelay: 720, dustLimitSat: 573n },
    });
    lnd.pendingOpen = [point(2)];
    lnd.waitingClose.set(point(3), "ChanStatusDefault");
    lnd.limboSat.set(point(3), 5_000n);
    lnd.waitingClose.set(point(5), "ChanStatusLocalDataLoss|ChanStatusRestored");
    lnd.forceClosing = [point(6)];
    lnd.limboSat.set(point(6), 6_000n);
    lnd.maturityHeights.set(point(6), [880]);
    lnd.closed.set(point(4), 0);
    const { channels, closed } = await surveyOf(setup);
    assert.deepEqual(
      channels.map(({ channelPoint, state, localBalanceSat, maturityHeight }) => [
        channelPoint,
        state,
        localBalanceSat,
        maturityHeight,
      ]),
      [
        [point(2), "pending-open", 0, null],
        [point(1), "open", 400_000, null],
        [point(3), "closing", 5_000, null],
        [point(5), "restored", 0, null],
        [point(6), "closing", 6_000, 880],
      ],
    );
    assert.deepEqual(
      channels.find(({ channelPoint }) => channelPoint === point(1)),
      {
        channelPoint: point(1),
        state: "open",
        peer: bob,
        capacitySat: 1_000_000,
        localBalanceSat: 400_000,
        inFlightSat: 7_000,
        isInitiator: true,
        csvDelayBlocks: 144,
        commitment: "lease",
        leaseExpiryHeight: 900_000,
        maturityHeight: null,
        peerDustLimitSat: 573,
      },
    );
    assert.deepEqual(closed, { known: true, value: new Set([point(4)]) });
  });

  it("of its peers, and that it knows nothing of one", async () => {
    await using setup = await fakeSetup();
    const { lnd } = setup;
    lnd.open = [point(1), point(2)];
    lnd.details.set(point(1), { remotePubkey: bob });
    lnd.details.set(point(2), { remotePubkey: fakePubkey });
    lnd.peers = [{ pubKey: bob, address: "127.0.0.1:54321", inbound: true }];
    lnd.announced.set(bob, ["127.0.0.1:9735", "[::1]:9735"]);
    const { peers, announced } = await surveyOf(setup);
    assert.deepEqual(peers, {
      known: true,
      value: new Map([[bob, { address: "127.0.0.1:54321", isInbound: true }]]),
    });
    assert.deepEqual(announced, {
      known: true,
      value: new Map([
        [bob, ["127.0.0.1:9735", "[::1]:9735"]],
        [fakePubkey, []],
      ]),
    });
  });

  const optional: readonly (readonly [LndCall, keyof NodeSurvey])[] = [
    ["ClosedChannels", "closed"],
    ["ListPeers", "peers"],
    ["GetNodeInfo", "announced"],
  ];
  for (const [call, fact] of optional) {
    it(`and where ${call} is denied, that and the permission`, async () => {
      await using setup = await fakeSetup();
      setup.lnd.open = [point(1)];
      setup.lnd.failures.set(call, lndError("permission denied"));
      const told = (await surveyOf(setup))[fact];
      assert.ok("known" in told && !told.known);
      assert.equal(told.error.code, "node-denied");
      assert.match(told.error.message, new RegExp(`does not allow ${call}`));
      assert.match(told.error.message, new RegExp(`bakemacaroon .*uri:/lnrpc.Lightning/${call}`));
    });
  }

  for (const call of ["ListChannels", "PendingChannels"] as const) {
    it(`but nothing without ${call}`, async () => {
      await using setup = await fakeSetup();
      setup.lnd.failures.set(call, lndError("permission denied"));
      await assert.rejects(surveyOf(setup), { code: "node-denied" });
    });
  }

  it("and an lnd that goes away in the middle is no lack of permission", async () => {
    await using setup = await fakeSetup();
    setup.lnd.failures.set("ListPeers", lndError("something else"));
    await assert.rejects(surveyOf(setup), { code: "node-unavailable" });
  });
});
