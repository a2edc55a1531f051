/**
 * Damages backups at random and holds what the codec does with them to its promises. From the command
 * line: `node test/fuzz/fuzz.ts [cases] [seed]`; with `--keep` each new way of being refused is added
 * to the corpus.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { deserializeMulti, serializeMulti } from "../../src/chanbackup/multi.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { arbitraryMulti, arbitrarySingle } from "../chanbackup/arbitraries.ts";
import { mutate, SeededRandom } from "./mutate.ts";

const readers = {
  single: (bytes: Uint8Array) => serializeSingle(deserializeSingle(bytes)),
  multi: (bytes: Uint8Array) => serializeMulti(deserializeMulti(bytes)),
};
export type Kind = keyof typeof readers;

/** One input for each way of being taken or refused. */
export interface CorpusEntry {
  readonly kind: Kind;
  /** The error's message with `#` for each number, or "accepted". */
  readonly outcome: string;
  readonly hex: string;
}

const corpusPath = join(import.meta.dirname, "corpus.json");
export const corpus: readonly CorpusEntry[] = JSON.parse(readFileSync(corpusPath, "utf8"));

export function bytesOf({ hex }: CorpusEntry): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/**
 * Reads `bytes`. They are refused with "decode" and an offset that is in them; or what was read is
 * written, and that reads and is written as the same again. Anything else is a failure. Returns how
 * it ended.
 */
export function check(kind: Kind, bytes: Uint8Array): string {
  const before = bytes.slice();
  const rewritten = outcomeOf(kind, bytes);
  assert.deepEqual(bytes, before, "the input was changed");
  if (typeof rewritten === "string") return rewritten;
  assert.ok(rewritten.length <= bytes.length, "more was read than was there");
  assert.deepEqual(readers[kind](rewritten), rewritten, "what was written reads as something else");
  return "accepted";
}

function outcomeOf(kind: Kind, bytes: Uint8Array): Uint8Array | string {
  try {
    return readers[kind](bytes);
  } catch (error) {
    if (!(error instanceof ScbError)) throw error;
    assert.equal(error.code, "decode", error.message);
    const offset = Number(/ \(at offset (\d+)\)$/.exec(error.message)?.[1]);
    assert.ok(offset >= 0 && offset <= bytes.length, error.message);
    const outcome = error.message.replaceAll(/\d+/g, "#");
    // What a Single can be refused for is told apart by the Singles alone.
    return outcome.replace(/^channel # of #.*/, "one of its channels is refused");
  }
}

export interface FuzzRun {
  readonly cases: number;
  /** How often each outcome was seen. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** The smallest input for each. */
  readonly found: readonly CorpusEntry[];
  readonly slowestMs: number;
}

/** Ends after `cases` cases or `limitMs`, whichever comes first. Throws for the first broken promise. */
export function fuzz(seed: number, cases: number, limitMs = Number.POSITIVE_INFINITY): FuzzRun {
  const random = new SeededRandom(seed);
  const singles = fc.sample(arbitrarySingle, { numRuns: 400, seed }).map(serializeSingle);
  const multis = fc.sample(arbitraryMulti(), { numRuns: 100, seed }).map(serializeMulti);
  const outcomes = new Map<string, number>();
  const found = new Map<string, CorpusEntry>();
  const startedAt = performance.now();
  let slowestMs = 0;
  let done = 0;
  for (; done < cases && performance.now() - startedAt < limitMs; done++) {
    const kind: Kind = random.below(4) === 0 ? "multi" : "single";
    const pool = kind === "single" ? singles : multis;
    const bytes = mutate(pool[random.below(pool.length)] ?? new Uint8Array(), random);
    const caseStartedAt = performance.now();
    const outcome = checkNamed(kind, bytes, seed);
    slowestMs = Math.max(slowestMs, performance.now() - caseStartedAt);
    const key = `${kind}: ${outcome}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    const smallest = found.get(key);
    if (smallest === undefined || bytes.length * 2 < smallest.hex.length) {
      found.set(key, { kind, outcome, hex: Buffer.from(bytes).toString("hex") });
    }
  }
  return { cases: done, outcomes, found: [...found.values()], slowestMs };
}

function checkNamed(kind: Kind, bytes: Uint8Array, seed: number): string {
  try {
    return check(kind, bytes);
  } catch (error) {
    const hex = Buffer.from(bytes).toString("hex");
    throw new Error(`seed ${seed}: a ${kind} that breaks a promise: ${hex}`, { cause: error });
  }
}

if (import.meta.main) {
  const args = process.argv.slice(2).filter((arg) => arg !== "--keep");
  const [cases = 300_000, seed = Date.now() % 2 ** 31] = args.map(Number);
  const run = fuzz(seed, cases);
  const key = ({ kind, outcome }: CorpusEntry): string => `${kind}: ${outcome}`;
  const known = new Set(corpus.map(key));
  const added = run.found.filter((entry) => !known.has(key(entry)));
  process.stdout.write(
    `seed ${seed}: ${run.cases} cases, ${run.outcomes.size} outcomes, ${added.length} new, slowest ${run.slowestMs.toFixed(0)} ms\n`,
  );
  for (const entry of added) process.stdout.write(`  ${key(entry)}\n`);
  if (process.argv.includes("--keep")) {
    const kept = corpus.map((entry) => ({ ...entry, outcome: check(entry.kind, bytesOf(entry)) }));
    const all = [...kept, ...added].sort((a, b) => (key(a) < key(b) ? -1 : 1));
    writeFileSync(corpusPath, `${JSON.stringify(all, null, 2)}\n`);
  }
}
