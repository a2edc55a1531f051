import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { isPublicKey } from "../../src/wire/public-key.ts";
import { fieldPrime } from "../../src/wire/quadratic-residue.ts";
import { arbitrarySingle } from "../chanbackup/arbitraries.ts";
import { mutate, SeededRandom } from "../fuzz/mutate.ts";
import { type LndOracle, type LndRead, startLndOracle } from "../peers/lnd-oracle.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { fromHex, toHex } from "./hex.ts";
import { printSeed, runSeed } from "./seed.ts";

const caseCount = 12_000;

/** Where we refuse what lnd takes, and nowhere else: each is in README.md of this folder. */
const stricter: Readonly<Record<string, RegExp>> = {
  "trailing bytes": /^channel: \d+ bytes follow where it should end/,
  "a length that lies": /^channel: announces \d+ bytes and has \d+/,
  "a capacity over 2^53": /^channel\.capacitySat: \d+ sat is over 2\^53/,
};

type Verdict = "both accept" | "both refuse" | keyof typeof stricter;

/** Fails where the two differ in a way that is not written down. */
function compare(bytes: Uint8Array, lnd: LndRead): Verdict {
  const ours = read(bytes);
  if (!(ours instanceof ScbError)) {
    if ("error" in lnd) assert.fail(`we take what lnd refuses (${lnd.error}): ${toHex(bytes)}`);
    assert.equal(lnd.leftBytes, 0, toHex(bytes));
    assert.equal(toHex(serializeSingle(ours)), toHex(lnd.rewritten), toHex(bytes));
    return "both accept";
  }
  assert.equal(ours.code, "decode", toHex(bytes));
  const reason = Object.keys(stricter).find((name) => stricter[name]?.test(ours.message));
  if ("error" in lnd) return "both refuse";
  return reason ?? assert.fail(`we refuse what lnd takes (${ours.message}): ${toHex(bytes)}`);
}

function read(bytes: Uint8Array): ReturnType<typeof deserializeSingle> | ScbError {
  try {
    return deserializeSingle(bytes);
  } catch (error) {
    if (error instanceof ScbError) return error;
    throw error;
  }
}

peerSuite("damaged bytes, and what lnd makes of them", ["lnd-oracle"], () => {
  let oracle: LndOracle;
  before(async () => {
    printSeed("differential, hostile");
    oracle = await startLndOracle();
  });
  after(() => oracle[Symbol.asyncDispose]());

  test("we take no Single that lnd refuses, and refuse none that it takes but for reasons written down", async () => {
    const random = new SeededRandom(runSeed);
    const whole = fc
      .sample(arbitrarySingle, { numRuns: caseCount / 12, seed: runSeed })
      .map(serializeSingle);
    const cases = Array.from({ length: caseCount }, (_, at) =>
      mutate(whole[at % whole.length] ?? assert.fail("no Single"), random),
    );
    const tally: Record<string, number> = {};
    for (const [at, lnd] of (await oracle.readSingles(cases)).entries()) {
      const verdict = compare(cases[at] ?? assert.fail("too many answers"), lnd);
      tally[verdict] = (tally[verdict] ?? 0) + 1;
    }
    process.stderr.write(`differential, hostile: ${JSON.stringify(tally)}\n`);
    // A run that saw nothing of a kind would prove nothing about it.
    for (const kind of ["both accept", "both refuse", ...Object.keys(stricter).slice(0, 2)]) {
      assert.ok((tally[kind] ?? 0) > 50, `too few: ${kind}`);
    }
  });

  test("a Single cut at every byte is refused by both", async () => {
    const [single] = fc.sample(arbitrarySingle, { numRuns: 1, seed: runSeed });
    const bytes = serializeSingle(single ?? assert.fail("no Single"));
    const cuts = Array.from({ length: bytes.length }, (_, size) => bytes.slice(0, size));
    for (const [at, lnd] of (await oracle.readSingles(cuts)).entries()) {
      assert.equal(compare(cuts[at] ?? assert.fail("too many answers"), lnd), "both refuse");
    }
  });

  test("the same keys are on the curve", async () => {
    const edges = [0n, 1n, 5n, fieldPrime - 1n, fieldPrime, fieldPrime + 1n, 2n ** 256n - 1n];
    const keys = [0, 1, 2, 3, 4, 5, 6, 7, 255].flatMap((prefix) =>
      edges.map((x) =>
        fromHex(prefix.toString(16).padStart(2, "0") + x.toString(16).padStart(64, "0")),
      ),
    );
    for (let count = 0; count < 20_000; count++) {
      const key = new Uint8Array(randomBytes(33));
      key[0] = 2 + (count & 1);
      keys.push(key);
    }
    const answers = await oracle.parseKeys(keys);
    for (const [at, key] of keys.entries()) assert.equal(isPublicKey(key), answers[at], toHex(key));
  });
});
