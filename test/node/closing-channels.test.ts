import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FakeLnd, lndError, point } from "./fake-lnd.ts";
import { fakeSetup } from "./fake-node.ts";

describe("the channels that lnd calls closed", () => {
  const coop = "ChanStatusCoopBroadcasted|ChanStatusLocalCloseInitiator";
  const cases: Record<string, { lnd: Partial<FakeLnd>; isClosed: boolean }> = {
    "a cooperative close": { lnd: { closed: new Map([[point(1), 0]]) }, isClosed: true },
    "a force close by us": { lnd: { closed: new Map([[point(1), 1]]) }, isClosed: true },
    "a force close by the peer": { lnd: { closed: new Map([[point(1), 2]]) }, isClosed: true },
    "a breach": { lnd: { closed: new Map([[point(1), 3]]) }, isClosed: true },
    "a funding that never confirmed": {
      lnd: { closed: new Map([[point(1), 4]]) },
      isClosed: true,
    },
    "one that was abandoned": { lnd: { closed: new Map([[point(1), 5]]) }, isClosed: false },
    "a force close whose funds wait": { lnd: { forceClosing: [point(1)] }, isClosed: true },
    "a cooperative close on its way": {
      lnd: { waitingClose: new Map([[point(1), coop]]) },
      isClosed: true,
    },
    "a force close on its way": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusCommitBroadcasted"]]) },
      isClosed: true,
    },
    "one that was restored": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusRestored"]]) },
      isClosed: false,
    },
    "one that was restored, and says that it sent a close": {
      lnd: {
        waitingClose: new Map([[point(1), "ChanStatusCommitBroadcasted|ChanStatusRestored"]]),
      },
      isClosed: false,
    },
    "one that lost data": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusLocalDataLoss"]]) },
      isClosed: false,
    },
    "one whose flags lnd does not tell": {
      lnd: { waitingClose: new Map([[point(1), ""]]) },
      isClosed: false,
    },
    "an open one": { lnd: { open: [point(1)] }, isClosed: false },
  };
  for (const [name, { lnd, isClosed }] of Object.entries(cases)) {
    it(`${isClosed ? "have" : "lack"} ${name}`, async () => {
      await using setup = await fakeSetup();
      Object.assign(setup.lnd, lnd);
      const expected = isClosed ? [point(1)] : [];
      assert.deepEqual(await setup.source().witness.closedChannelPoints(), expected);
    });
  }

  it("are asked for in an order that misses none", async () => {
    await using setup = await fakeSetup();
    await setup.source().witness.closedChannelPoints();
    assert.deepEqual(setup.lnd.calls, ["GetInfo", "PendingChannels", "ClosedChannels"]);
  });
});

describe("the channels in limbo", () => {
  const cases: Record<string, { lnd: Partial<FakeLnd>; limbo: readonly (number | null)[] }> = {
    "a force close under its time lock": {
      lnd: { forceClosing: [point(1)], maturityHeights: new Map([[point(1), [700]]]) },
      limbo: [700],
    },
    "a force close whose payments are locked for longer": {
      lnd: { forceClosing: [point(1)], maturityHeights: new Map([[point(1), [700, 750, 720]]]) },
      limbo: [750],
    },
    "a force close whose lock isn't known yet": {
      lnd: { forceClosing: [point(1)] },
      limbo: [null],
    },
    "a close that hasn't confirmed": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusCommitBroadcasted"]]) },
      limbo: [null],
    },
    "a close of another kind": { lnd: { pendingClosing: [point(1)] }, limbo: [null] },
    "one that lost data": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusLocalDataLoss"]]) },
      limbo: [null],
    },
    "not one that was restored and waits for its peer": {
      lnd: { waitingClose: new Map([[point(1), "ChanStatusLocalDataLoss|ChanStatusRestored"]]) },
      limbo: [],
    },
    "one that was restored, once its peer has closed it": {
      lnd: { forceClosing: [point(1)] },
      limbo: [null],
    },
    "not one that is resolved": { lnd: { closed: new Map([[point(1), 1]]) }, limbo: [] },
    "not an open one": { lnd: { open: [point(1)], pendingOpen: [point(2)] }, limbo: [] },
  };
  for (const [name, { lnd, limbo }] of Object.entries(cases)) {
    it(`are ${name}`, async () => {
      await using setup = await fakeSetup();
      Object.assign(setup.lnd, lnd);
      setup.lnd.limboSat.set(point(1), 5_000n);
      const expected = limbo.map((maturityHeight) => ({
        channelPoint: point(1),
        limboSat: 5_000,
        maturityHeight,
      }));
      assert.deepEqual(await setup.source().witness.limboChannels(), expected);
    });
  }

  it("are sorted, from whichever list", async () => {
    await using setup = await fakeSetup();
    const { lnd } = setup;
    lnd.forceClosing = [point(2), point(1, 10)];
    lnd.waitingClose.set(point(1, 9), "");
    const limbo = await setup.source().witness.limboChannels();
    const points = limbo.map(({ channelPoint }) => channelPoint);
    assert.deepEqual(points, [point(1, 9), point(1, 10), point(2)]);
  });

  it("are not told at all if lnd doesn't tell of all its closing channels", async () => {
    await using setup = await fakeSetup();
    setup.lnd.failures.set("PendingChannels", lndError("unable to find arbitrator"));
    await assert.rejects(setup.source().witness.limboChannels(), { code: "node-unavailable" });
    await assert.rejects(setup.source().snapshot("start"), { code: "node-unavailable" });
  });
});
