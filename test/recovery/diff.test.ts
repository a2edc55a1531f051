import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Single } from "../../src/chanbackup/single.ts";
import { diffBackups } from "../../src/recovery/diff.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { arbitrarySingle } from "../chanbackup/arbitraries.ts";

function sample(seed: number): Single {
  const [single] = fc.sample(arbitrarySingle, { numRuns: 1, seed });
  assert.ok(single !== undefined);
  return single;
}

const point = (single: Single): string => formatOutPoint(single.fundingOutpoint);

describe("diffBackups", () => {
  const [one, two, three] = [sample(1), sample(2), sample(3)];

  it("finds what was added and removed", () => {
    const diff = diffBackups([one, two], [two, three]);
    assert.deepEqual(diff, { added: [point(three)], removed: [point(one)], changed: [] });
  });

  it("names the fields that changed", () => {
    const changed: Single = {
      ...one,
      capacitySat: one.capacitySat + 1,
      shortChannelId: { ...one.shortChannelId, txIndex: one.shortChannelId.txIndex ^ 1 },
    };
    assert.deepEqual(diffBackups([one], [changed]).changed, [
      { fundingOutpoint: point(one), fields: ["shortChannelId", "capacitySat"] },
    ]);
  });

  it("sees a close transaction that was lost", () => {
    const rich = fc
      .sample(arbitrarySingle, { numRuns: 100, seed: 4 })
      .find(({ closeTxInputs }) => closeTxInputs !== undefined);
    assert.ok(rich !== undefined);
    const { closeTxInputs: _, ...poor } = rich;
    assert.deepEqual(diffBackups([rich], [poor]).changed[0]?.fields, ["closeTxInputs"]);
  });

  it("takes addresses as a set", () => {
    const addresses: Single["addresses"] = [
      { kind: "tcp4", host: Uint8Array.of(1, 2, 3, 4), port: 9735 },
      { kind: "tcp4", host: Uint8Array.of(5, 6, 7, 8), port: 9735 },
    ];
    const before = { ...one, addresses };
    assert.deepEqual(
      diffBackups([before], [{ ...one, addresses: addresses.toReversed() }]).changed,
      [],
    );
    const fewer = diffBackups([before], [{ ...one, addresses: addresses.slice(1) }]);
    assert.deepEqual(fewer.changed[0]?.fields, ["addresses"]);
  });
});
