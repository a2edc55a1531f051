import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mergeSingles } from "../../src/chanbackup/merge.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { deserializeSingle } from "../../src/chanbackup/single-codec.ts";
import { formatOutPoint, parseOutPoint } from "../../src/wire/out-point.ts";
import { lndSingles } from "./lnd-channel.ts";

const sample = deserializeSingle(Buffer.from(lndSingles[0]?.hex ?? "", "hex"));

/** A channel named by one digit; its capacity tells who reported it. */
function channel(digit: number, capacitySat = 0): Single {
  return { ...sample, fundingOutpoint: pointOf(digit), capacitySat };
}

function pointOf(digit: number) {
  return parseOutPoint(`${String(digit).repeat(64)}:0`);
}

interface Case {
  readonly name: string;
  readonly held: readonly Single[] | null;
  readonly ours: readonly Single[];
  readonly closed: readonly number[];
  readonly merged: readonly Single[];
}

const cases: readonly Case[] = [
  {
    name: "nothing held yet",
    held: null,
    ours: [channel(2), channel(1)],
    closed: [],
    merged: [channel(1), channel(2)],
  },
  { name: "nothing at all", held: null, ours: [], closed: [1], merged: [] },
  {
    name: "what only the swapper knows stays",
    held: [channel(3), channel(1)],
    ours: [channel(2)],
    closed: [],
    merged: [channel(1), channel(2), channel(3)],
  },
  {
    name: "ours replaces what is held",
    held: [channel(1, 10), channel(2, 10)],
    ours: [channel(1, 20)],
    closed: [],
    merged: [channel(1, 20), channel(2, 10)],
  },
  {
    name: "closed channels go, held or ours",
    held: [channel(1), channel(2)],
    ours: [channel(3), channel(4)],
    closed: [2, 3],
    merged: [channel(1), channel(4)],
  },
  {
    name: "the close of an unknown channel changes nothing",
    held: [channel(1)],
    ours: [],
    closed: [9],
    merged: [channel(1)],
  },
  {
    name: "of several with one outpoint the last counts",
    held: [channel(1, 10), channel(1, 11)],
    ours: [channel(2, 20), channel(2, 21)],
    closed: [],
    merged: [channel(1, 11), channel(2, 21)],
  },
];

describe("mergeSingles", () => {
  for (const { name, held, ours, closed, merged } of cases) {
    test(name, () => {
      const multi = held === null ? null : { version: 0 as const, staticBackups: held };
      assert.deepEqual(
        mergeSingles(
          multi,
          ours,
          closed.map((number) => formatOutPoint(pointOf(number))),
        ),
        {
          version: 0,
          staticBackups: merged,
        },
      );
    });
  }

  test("outpoints of one transaction are told apart", () => {
    const other = { ...channel(1), fundingOutpoint: { ...pointOf(1), index: 1 } };
    const multi = mergeSingles(null, [other, channel(1)], []);
    assert.deepEqual(multi.staticBackups, [channel(1), other]);
  });
});
