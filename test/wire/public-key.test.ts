import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicKey } from "../../src/wire/public-key.ts";
import { publicKeyOf } from "./arbitraries.ts";

const generatorX = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const cases: readonly [name: string, hex: string, valid: boolean][] = [
  ["the generator", `02${generatorX}`, true],
  ["its negation", `03${generatorX}`, true],
  ["x = 1", `02${"1".padStart(64, "0")}`, true],
  ["x = 5, which has no square root", `02${"5".padStart(64, "0")}`, false],
  [
    "x = the field's prime",
    "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    false,
  ],
  [
    "x = 1 above the prime",
    "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30",
    false,
  ],
  ["x = 0", `02${"0".repeat(64)}`, false],
  ["all zero", "00".repeat(33), false],
  ["prefix 4", `04${generatorX}`, false],
  ["prefix 6, hybrid", `06${generatorX}`, false],
  ["32 bytes", generatorX, false],
  ["34 bytes", `02${generatorX}00`, false],
  ["nothing", "", false],
];
for (const [name, hex, valid] of cases) {
  test(`${name} is ${valid ? "a" : "no"} public key, also when asked again`, () => {
    const bytes = Buffer.from(hex, "hex");
    assert.equal(isPublicKey(bytes), valid);
    assert.equal(isPublicKey(bytes), valid);
  });
}

test("a key that was found valid does not vouch for others", () => {
  const key = publicKeyOf(77);
  assert.equal(isPublicKey(key), true);
  key.fill(5, 1);
  key[32] = 6;
  const isValid = isPublicKey(key);
  assert.equal(isPublicKey(key.slice()), isValid);
  key[0] = 9;
  assert.equal(isPublicKey(key), false);
});
