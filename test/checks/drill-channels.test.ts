import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeSurvey } from "../../src/chanbackup/node-survey.ts";
import { type SingleVersion, singleVersions } from "../../src/chanbackup/single.ts";
import type { DrilledChannel, DrillReport } from "../../src/checks/drill/drill-report.ts";
import type { Dialler, DialResult } from "../../src/node/peer-dialler.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { DrillWorld, liveOf, loopback, peerOf, pointOf, singleOf } from "../support/drill-world.ts";

const anchors = singleOf(singleVersions.anchorsZeroFeeHtlcTxCommit);
const peer = peerOf(anchors);
const untold = { known: false, error: new ScbError("node-denied", "ListPeers: no") } as const;

/** Drills one channel, and gives what is told of it. */
async function drillOne(
  survey: Partial<NodeSurvey> = {},
  {
    single = anchors,
    dialler,
    ...options
  }: {
    readonly single?: typeof anchors;
    readonly dialler?: Dialler;
    readonly encrypter?: undefined;
    readonly witness?: undefined;
  } = {},
): Promise<{ channel: DrilledChannel; report: DrillReport; warnings: string[] }> {
  const world = new DrillWorld([single]);
  await world.save();
  world.survey = { ...world.survey, ...survey };
  const report = await world.drill({ ...options, dialler });
  const channel = report.channels.find(({ channelPoint }) => channelPoint === pointOf(single));
  assert.ok(channel !== undefined);
  return { channel, report, warnings: report.warnings.map(({ code }) => code) };
}

/** Answers as the test says, and remembers what it was asked. */
class ScriptedDialler implements Dialler {
  readonly dialled: string[] = [];
  readonly #answers: Readonly<Record<string, DialResult["outcome"]>>;
  constructor(answers: Readonly<Record<string, DialResult["outcome"]>>) {
    this.#answers = answers;
  }
  dial(address: string): Promise<DialResult> {
    this.dialled.push(address);
    return Promise.resolve({ outcome: this.#answers[address] ?? "no-answer", reason: null });
  }
}

function scripted(answers: Readonly<Record<string, DialResult["outcome"]>>) {
  const dialler = new ScriptedDialler(answers);
  return { dialler, dialled: dialler.dialled };
}

describe("what would come back of a channel", () => {
  const amounts = [
    ["the balance", { localBalanceSat: 12_345 }, 12_345],
    ["nothing below the peer's dust limit", { localBalanceSat: 353 }, 0],
    ["the dust limit itself", { localBalanceSat: 354 }, 354],
    [
      "what a closing one still owes, however little",
      { state: "closing", localBalanceSat: 200 },
      200,
    ],
  ] as const;
  for (const [name, change, sat] of amounts) {
    it(`${name}: ${sat} sat`, async () => {
      const { channel, report } = await drillOne({ channels: [liveOf(anchors, change)] });
      assert.equal(channel.comesBackSat, sat);
      assert.equal(report.counts.comesBackSat, sat);
    });
  }

  it("is not known of a channel that the node has from a restore", async () => {
    const live = liveOf(anchors, { state: "restored", localBalanceSat: 0 });
    assert.equal((await drillOne({ channels: [live] })).channel.comesBackSat, null);
  });

  it("counts no channel that the backup lacks", async () => {
    const other = singleOf(singleVersions.simpleTaproot);
    const { report } = await drillOne({
      channels: [liveOf(anchors, { localBalanceSat: 1_000 }), liveOf(other)],
    });
    assert.equal(report.counts.comesBackSat, 1_000);
    assert.equal(report.counts.missing, 1);
  });

  it("is not known without a node", async () => {
    const { channel, report } = await drillOne({}, { witness: undefined });
    assert.equal(channel.comesBackSat, null);
    assert.equal(report.counts.comesBackSat, null);
    assert.equal(channel.state, null);
    assert.equal(report.covered, null);
  });

  // Source: BOLT 3, "to_remote Output"; lnd `lnwallet.CommitScriptToRemote`.
  const delays: readonly (readonly [keyof typeof singleVersions, number])[] = [
    ["default", 0],
    ["tweaklessCommit", 0],
    ["anchorsCommit", 1],
    ["anchorsZeroFeeHtlcTxCommit", 1],
    ["scriptEnforcedLease", 1],
    ["simpleTaproot", 1],
    ["tapscriptRoot", 1],
    ["simpleTaprootFinal", 1],
  ];
  for (const [name, blocks] of delays) {
    it(`of ${name} after ${blocks} blocks, by the key and not by our own delay`, async () => {
      const version: SingleVersion = singleVersions[name];
      const single = singleOf(version, { isInitiator: false });
      const { channel } = await drillOne({}, { single });
      assert.equal(channel.delayBlocks, blocks);
      assert.equal(channel.notBeforeHeight, null);
      assert.equal(channel.ownCsvDelayBlocks, single.localChanCfg.csvDelay);
    });
  }

  it("of a lease that this node opened, not before it expires", async () => {
    const single = singleOf(singleVersions.scriptEnforcedLease, {
      isInitiator: true,
      leaseExpiry: 900_000,
    });
    assert.equal((await drillOne({}, { single })).channel.notBeforeHeight, 900_000);
    const live = liveOf(single, { commitment: "lease", leaseExpiryHeight: 900_000 });
    const byNode = await drillOne({ channels: [live] }, { single, encrypter: undefined });
    assert.equal(byNode.channel.notBeforeHeight, 900_000);
  });
});

describe("how a channel's peer can be reached", () => {
  const at = (port: number) => ({ ...anchors, addresses: [loopback(port)] });
  const connected = (address: string, isInbound: boolean): Partial<NodeSurvey> => ({
    peers: { known: true, value: new Map([[peer, { address, isInbound }]]) },
  });
  const announced = (...addresses: string[]): Partial<NodeSurvey> => ({
    announced: { known: true, value: new Map([[peer, addresses]]) },
  });

  it("shows who is connected, and at which address", async () => {
    const { channel } = await drillOne(connected("127.0.0.1:9735", false));
    assert.equal(channel.connected, true);
    assert.equal(channel.connectedAt, "127.0.0.1:9735");
    const offline = await drillOne();
    assert.equal(offline.channel.connected, false);
    assert.deepEqual(offline.warnings, [], "a peer that is offline fails no drill");
  });

  it("knows nothing of the peers where the macaroon does not allow it, and says so", async () => {
    const { channel, report } = await drillOne({ peers: untold });
    assert.equal(channel.connected, null);
    assert.ok(report.notChecked.some((what) => what.includes("ListPeers: no")));
  });

  it("finds that an address is only the port from which the peer has dialled in", async () => {
    const survey = connected("127.0.0.1:54321", true);
    const { dialler, dialled } = scripted({});
    const { channel, warnings } = await drillOne(survey, { single: at(54_321), dialler });
    assert.equal(channel.reach, "must-come");
    assert.deepEqual(dialled, []);
    assert.deepEqual(warnings, ["no-address"]);
  });

  it("dials that port all the same where the peer announces it", async () => {
    const survey = { ...connected("127.0.0.1:54321", true), ...announced("127.0.0.1:54321") };
    const { dialler } = scripted({ "127.0.0.1:54321": "answers" });
    const { channel } = await drillOne(survey, { single: at(54_321), dialler });
    assert.equal(channel.reach, "answers");
  });

  it("finds a backup without any address", async () => {
    const { channel, warnings } = await drillOne({}, { single: { ...anchors, addresses: [] } });
    assert.equal(channel.reach, "must-come");
    assert.deepEqual(warnings, ["no-address"]);
  });

  it("finds that the peer has moved", async () => {
    const { channel, warnings, report } = await drillOne(announced("127.0.0.1:1111"));
    assert.deepEqual(warnings, ["stale-address"]);
    assert.equal(report.ok, true);
    assert.deepEqual(channel.addresses, [
      { address: "127.0.0.1:1111", inBackup: false, announced: true, dial: null },
      { address: "127.0.0.1:9735", inBackup: true, announced: false, dial: null },
    ]);
    const same = await drillOne(announced("127.0.0.1:1111", "127.0.0.1:9735"));
    assert.deepEqual(same.warnings, [], "one of them is enough");
  });

  const outcomes = [
    ["answers", "answers", []],
    ["no-answer", "no-answer", ["no-answer"]],
    ["not-tried", "not-tried", []],
  ] as const;
  for (const [outcome, reach, expected] of outcomes) {
    it(`dials: ${outcome}`, async () => {
      const { dialler, dialled } = scripted({ "127.0.0.1:9735": outcome });
      const { channel, warnings, report } = await drillOne({}, { dialler });
      assert.deepEqual(dialled, ["127.0.0.1:9735"]);
      assert.equal(channel.reach, reach);
      assert.deepEqual(warnings, expected);
      assert.equal(report.ok, true, "the backup is good; the peer may come back");
    });
  }

  it("does not warn of a peer that is connected, though it answers nowhere", async () => {
    const { dialler } = scripted({});
    const { warnings } = await drillOne(connected("127.0.0.1:9735", false), { dialler });
    assert.deepEqual(warnings, []);
  });

  it("without a key knows no address of the backup, and claims nothing of it", async () => {
    const { dialler } = scripted({ "127.0.0.1:1111": "no-answer" });
    const survey = announced("127.0.0.1:1111");
    const { channel, warnings } = await drillOne(survey, { encrypter: undefined, dialler });
    assert.equal(channel.addresses[0]?.inBackup, null);
    assert.equal(channel.reach, "not-tried");
    assert.deepEqual(warnings, []);
  });
});
