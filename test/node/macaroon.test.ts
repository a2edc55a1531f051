import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { readMacaroonRights } from "../../src/node/lnd/macaroon.ts";
import {
  excessPermissions,
  expiryOf,
  missingCalls,
} from "../../src/node/lnd/macaroon-permissions.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { type MacaroonParts, makeMacaroon } from "../support/make-macaroon.ts";

const needed = lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`);

function rightsOf(parts: MacaroonParts) {
  return readMacaroonRights(makeMacaroon(parts));
}

describe("readMacaroonRights", () => {
  it("gives the permissions and conditions", () => {
    const permissions = ["info:read", "offchain:read", "offchain:write", "uri:/a/B"];
    const conditions = ["time-before 2030-01-01T00:00:00Z", "ipaddr 127.0.0.1"];
    const rights = rightsOf({ permissions, conditions });
    assert.deepEqual(
      rights.permissions.map(({ entity, action }) => `${entity}:${action}`),
      permissions,
    );
    assert.deepEqual(rights.conditions, conditions);
  });

  it("gives nothing with which a macaroon could be made", () => {
    const json = JSON.stringify(rightsOf({ permissions: needed }));
    assert.ok(!/aaaa|bbbb|[^\x20-\x7e]/i.test(json), json);
  });

  it("reads every macaroon that can be made", () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    const permissions = fc.uniqueArray(fc.tuple(word, word), { maxLength: 40 });
    fc.assert(
      fc.property(permissions, fc.array(word), (pairs, conditions) => {
        const names = pairs.map(([entity, action]) => `${entity}:${action}`);
        const rights = rightsOf({ permissions: names, conditions });
        assert.deepEqual(
          rights.permissions.map(({ entity, action }) => `${entity}:${action}`).sort(),
          [...names].sort(),
        );
        assert.deepEqual(rights.conditions, conditions);
      }),
    );
  });

  it("throws decode for what is none, whatever it is", () => {
    const whole = makeMacaroon({ permissions: needed, conditions: ["ipaddr 127.0.0.1"] });
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, flip]) => whole.map((byte, index) => (index === at ? byte ^ flip : byte)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
        try {
          readMacaroonRights(bytes);
        } catch (error) {
          assert.ok(hasCode(error, "decode"), String(error));
        }
      }),
    );
    const signature = 2 + 32;
    for (let size = 0; size < whole.length - signature; size += 1) {
      assert.throws(() => readMacaroonRights(whole.subarray(0, size)), { code: "decode" });
    }
  });
});

describe("missingCalls", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["the recommended one lacks none", needed, []],
    ["lnd's own pairs lack none", ["info:read", "offchain:read"], []],
    ["without one", needed.slice(1), [lndCalls[0]]],
    ["without offchain", ["info:read"], lndCalls.filter((call) => call !== "GetInfo")],
    ["to write is not to read", ["info:write", "offchain:write"], lndCalls],
    ["none", [], lndCalls],
  ];
  for (const [name, permissions, missing] of cases) {
    it(name, () => assert.deepEqual(missingCalls(rightsOf({ permissions })), missing));
  }
});

describe("excessPermissions", () => {
  const cases: readonly (readonly [
    string,
    readonly string[],
    readonly string[],
    readonly string[],
  ])[] = [
    ["the recommended one has none", needed, [], []],
    ["DeriveKey is the operator's choice", ["uri:/walletrpc.WalletKit/DeriveKey"], [], []],
    ["pairs read more", ["info:read", "onchain:read"], [], ["info:read", "onchain:read"]],
    ["what writes", [...needed, "offchain:write"], ["offchain:write"], []],
    ["what generates", ["macaroon:generate"], ["macaroon:generate"], []],
    ["another method", ["uri:/lnrpc.Lightning/SendCoins"], ["uri:/lnrpc.Lightning/SendCoins"], []],
    ["a method named read", ["uri:read"], ["uri:read"], []],
  ];
  for (const [name, permissions, writes, reads] of cases) {
    it(name, () =>
      assert.deepEqual(excessPermissions(rightsOf({ permissions })), { writes, reads }),
    );
  }
});

describe("expiryOf", () => {
  it("is the earliest end, or null", () => {
    const early = "2026-01-01T00:00:00Z";
    const conditions = ["time-before 2030-01-01T00:00:00Z", `time-before ${early}`, "ipaddr ::1"];
    assert.equal(expiryOf(rightsOf({ permissions: [], conditions })), Date.parse(early));
    assert.equal(expiryOf(rightsOf({ permissions: [], conditions: ["ipaddr ::1"] })), null);
  });
});
