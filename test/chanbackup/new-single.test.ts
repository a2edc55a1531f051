import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ChannelWithAddrs,
  channelTypeBits,
  newSingle,
} from "../../src/chanbackup/new-single.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { formatShortChannelId, type ShortChannelID } from "../../src/wire/short-channel-id.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";
import { throwsScb } from "../wire/throws.ts";
import { lndAddresses, lndChannel } from "./lnd-channel.ts";

const entry = { name: "", chanType: 0, withTx: true, legacy: false, addrs: [], hex: "" };
const channel: ChannelWithAddrs = { ...lndChannel(entry), addrs: lndAddresses };

function scid(blockHeight: number, txIndex: number, txPosition: number): ShortChannelID {
  return { blockHeight, txIndex, txPosition };
}

describe("the short channel id of a Single", () => {
  const { zeroConf } = channelTypeBits;
  const cases: readonly (readonly [
    name: string,
    given: Partial<ChannelWithAddrs>,
    expected: string,
  ])[] = [
    ["confirmed", { shortChannelId: scid(401, 1, 2) }, "401x1x2"],
    ["pending: the height of its broadcast", { shortChannelId: scid(0, 0, 0) }, "700001x0x0"],
    ["pending with an index, as lnd keeps it", { shortChannelId: scid(0, 3, 4) }, "700001x3x4"],
    [
      "zero-conf, pending: not its alias",
      { chanType: zeroConf, shortChannelId: scid(16000000, 1, 2) },
      "700001x0x0",
    ],
    [
      "zero-conf, confirmed",
      { chanType: zeroConf, shortChannelId: scid(16000000, 1, 2), confirmedScid: scid(402, 5, 6) },
      "402x5x6",
    ],
    [
      "zero-conf, confirmed at lnd's zero value",
      { chanType: zeroConf, confirmedScid: scid(0, 0, 0) },
      "700001x0x0",
    ],
    [
      "confirmed id of a channel that is not zero-conf",
      { shortChannelId: scid(401, 1, 2), confirmedScid: scid(402, 5, 6) },
      "401x1x2",
    ],
  ];
  for (const [name, given, expected] of cases) {
    test(name, () => {
      const single = newSingle({ ...channel, ...given });
      assert.equal(formatShortChannelId(single.shortChannelId), expected);
    });
  }
});

describe("the revocation root of a Single", () => {
  const old = { revocationKeyLocator: { family: 0, index: 3 } };

  test("by locator: no key", () => {
    assert.deepEqual(newSingle(channel).shaChainRootDesc, { pubKey: null, family: 5, index: 77 });
  });

  test("of an old channel: the root's point, and nothing of the root", () => {
    const root = new Uint8Array(32);
    root[31] = 5;
    const single = newSingle({ ...channel, ...old, revocationProducer: root });
    assert.deepEqual(single.shaChainRootDesc, { pubKey: publicKeyOf(5), family: 5, index: 0 });
  });

  test("a root over the group's order counts modulo it, as in lnd", () => {
    const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const root = new Uint8Array(Buffer.from(order, "hex"));
    root[31] = 0x41 + 5;
    const single = newSingle({ ...channel, ...old, revocationProducer: root });
    assert.deepEqual(single.shaChainRootDesc.pubKey, publicKeyOf(5));
  });

  for (const revocationProducer of [null, new Uint8Array(32), new Uint8Array(31).fill(1)]) {
    test(`is an error that does not show it: ${revocationProducer?.length ?? "none"} bytes`, () => {
      throwsScb(
        () => newSingle({ ...channel, ...old, revocationProducer }),
        "key",
        /^channel [0-9a-f]{64}:515 has no usable revocation root: .*family 0/,
      );
    });
  }
});

test("an opaque address goes last, so that it swallows no other", () => {
  const addrs = lndAddresses.toReversed();
  const single = newSingle({ ...channel, addrs });
  const read = deserializeSingle(serializeSingle(single));
  assert.deepEqual(
    read.addresses.map(formatNetAddress),
    [...addrs.slice(1), ...addrs.slice(0, 1)].map(formatNetAddress),
  );
});

test("a lost commitment leaves CloseTxInputs out", () => {
  const localCommitment = { ...channel.localCommitment, commitTx: null };
  assert.equal("closeTxInputs" in newSingle({ ...channel, localCommitment }), false);
});

test("a tapscript channel without its root cannot be written, as in lnd", () => {
  const chanType = channelTypeBits.simpleTaproot | channelTypeBits.tapscriptRoot;
  const single = newSingle({ ...channel, chanType, tapscriptRoot: null });
  throwsScb(() => serializeSingle(single), "encode", /tapscriptRoot: is missing/);
});
