import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { z } from "zod";
import {
  runStoreCheck,
  type StoreCheck,
  type StoreGround,
  storeChecks,
} from "../../src/testing/object-store-suite.ts";

/** What was found of one store: what docs/stores.md says, and what each run of the tests holds it to. */
const resultSchema = z.strictObject({
  peer: z.string(),
  name: z.string(),
  form: z.string(),
  version: z.string(),
  /** Of the last change of this entry. */
  date: z.iso.date(),
  /** Which part of the suite it is held to: "none" for a store that is only ever added to. */
  conditions: z.enum(["enforced", "none"]).default("enforced"),
  broken: z
    .array(z.strictObject({ checks: z.array(z.string()).min(1), says: z.string() }))
    .default([]),
  note: z.string().optional(),
});
export type ConformanceResult = z.infer<typeof resultSchema>;

export const conformanceResults: readonly ConformanceResult[] = z
  .array(resultSchema)
  .parse(JSON.parse(readFileSync(new URL("results.json", import.meta.url), "utf8")));

/** Registers a test of each promise: that `peer` still keeps it, or still breaks it, as results.json says. */
export function peerConformance(peer: string, newGround: () => Promise<StoreGround>): void {
  const result = conformanceResults.find((each) => each.peer === peer);
  if (result === undefined) throw new Error(`results.json has no entry for ${peer}`);
  describe(`${result.name} keeps the promises of ObjectStore that docs/stores.md says`, () => {
    for (const check of storeChecks(result.conditions)) {
      it(isBroken(result, check) ? `breaks: ${check.name}` : check.name, () =>
        holdTo(result, check, newGround),
      );
    }
  });
}

/** Rejects if the store keeps a promise that is written down as broken, or breaks another. */
export async function holdTo(
  result: Pick<ConformanceResult, "peer" | "broken">,
  check: StoreCheck,
  newGround: () => Promise<StoreGround>,
): Promise<void> {
  const mayFail = isBroken(result, check);
  try {
    await runStoreCheck(check, newGround);
  } catch (error) {
    if (mayFail) return;
    throw error;
  }
  if (mayFail) {
    throw new Error(
      `${result.peer} keeps this promise now: take it out of test/conformance/results.json, and run npm run generate:stores`,
    );
  }
}

function isBroken({ broken }: Pick<ConformanceResult, "broken">, { name }: StoreCheck): boolean {
  return broken.some(({ checks }) => checks.includes(name));
}
