import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { inspectSingle } from "../../src/chanbackup/inspected-channel.ts";
import { deserializeMulti, serializeMulti } from "../../src/chanbackup/multi.ts";
import { type Single, singleVersions } from "../../src/chanbackup/single.ts";
import { SingleView } from "../../src/chanbackup/single-view.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { arbitrarySingle, arbitrarySingleOf } from "./arbitraries.ts";
import { plainSingle } from "./plain-single.ts";

const fields = [
  "version",
  "isInitiator",
  "chainHash",
  "fundingOutpoint",
  "shortChannelId",
  "remoteNodePub",
  "addresses",
  "capacitySat",
  "localChanCfg",
  "remoteChanCfg",
  "shaChainRootDesc",
  "leaseExpiry",
  "closeTxInputs",
] as const satisfies readonly (keyof Single)[];

function viewOf(single: Single): SingleView {
  const plaintext = serializeMulti({ version: 0, staticBackups: [single] });
  const [view] = deserializeMulti(plaintext).staticBackups;
  assert.ok(view instanceof SingleView);
  return view;
}

describe("a Single of a Multi", () => {
  test("has each field of the Single that was written, whichever is asked for first", () => {
    fc.assert(
      fc.property(arbitrarySingle, fc.shuffledSubarray([...fields]), (single, asked) => {
        const view = viewOf(single);
        for (const name of asked) assert.deepEqual(view[name], single[name], name);
      }),
    );
  });

  const [single] = fc.sample(arbitrarySingleOf(singleVersions.tapscriptRoot), {
    numRuns: 1,
    seed: 4,
  });
  assert.ok(single);

  test("is not hurt by a change to the bytes that it was read from", () => {
    const plaintext = serializeMulti({ version: 0, staticBackups: [single] });
    const [view] = deserializeMulti(plaintext).staticBackups;
    plaintext.fill(0);
    for (const name of fields) assert.deepEqual(view?.[name], single[name], name);
  });

  test("is not hurt by a change to a field that it gave", () => {
    const view = viewOf(single);
    view.remoteNodePub.fill(0);
    view.fundingOutpoint.txid.fill(0);
    view.remoteChanCfg.htlcBasePoint.fill(0);
    for (const name of fields) assert.deepEqual(view[name], single[name], name);
  });

  test("cannot be given another value", () => {
    const view = viewOf(single);
    assert.throws(() => Object.assign(view, { capacitySat: 1 }), TypeError);
  });

  test("shows its fields, and can be compared, spread and cloned as a plain object", () => {
    fc.assert(
      fc.property(arbitrarySingle, arbitrarySingle, (one, other) => {
        const [view, same, another] = [viewOf(one), viewOf(one), viewOf(other)];
        assert.deepEqual(view, same);
        assert.equal(isDeepStrictEqual(view, another), isDeepStrictEqual(one, other));
        assert.deepEqual({ ...view }, plainSingle(one));
        assert.deepEqual(structuredClone(view), plainSingle(one));
        assert.deepEqual(JSON.parse(JSON.stringify(view)), JSON.parse(asJson(one)));
      }),
    );
  });

  test("is changed by a spread, and then is written with the change", () => {
    const changed = { ...viewOf(single), capacitySat: 1 };
    assert.deepEqual(plainSingle(viewOf(changed)), plainSingle({ ...single, capacitySat: 1 }));
  });

  test("keeps its force close transaction out of JSON and logs", () => {
    const view = viewOf(single);
    assert.ok(view.closeTxInputs !== undefined);
    const signature = Buffer.from(view.closeTxInputs.commitSig).toString("hex");
    assert.ok(signature.length > 0);
    for (const text of [JSON.stringify(view), inspect(view, { depth: 9 })]) {
      assert.match(text, /capacitySat/);
      assert.match(text, new RegExp(formatOutPoint(view.fundingOutpoint)));
      assert.ok(!text.includes(signature));
    }
  });
});

const asJson = (one: Single): string => JSON.stringify(inspectSingle(one));
