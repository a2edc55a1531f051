import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { z } from "zod";
import {
  runStoreCheck,
  type StoreGround,
  storeChecks,
} from "../../src/testing/object-store-suite.ts";

/** What was found of one store: what docs/stores.md says, and what the tests hold it to. */
const resultSchema = z.strictObject({
  peer: z.string(),
  name: z.string(),
  form: z.string(),
  version: z.string(),
  date: z.iso.date(),
  where: z.enum(["each run of the tests", "by hand"]),
  /** Which part of the suite it is held to: "none" for a store that is only ever added to. */
  conditions: z.enum(["enforced", "none"]).default("enforced"),
  /** Of how many promises, if it was tried when the suite had fewer. */
  of: z.int().optional(),
  /** `check` is null of what was tried by hand, and written down without the promise's name. */
  broken: z.array(z.strictObject({ check: z.string().nullable(), says: z.string() })),
  note: z.string().optional(),
});
export type ConformanceResult = z.infer<typeof resultSchema>;

export const conformanceResults: readonly ConformanceResult[] = z
  .array(resultSchema)
  .parse(JSON.parse(readFileSync(new URL("results.json", import.meta.url), "utf8")));

/**
 * Holds a peer to the suite, but for what results.json says that it breaks: a promise that is broken
 * there and kept here is a failure, too, so that the page stays true.
 */
export function peerConformance(peer: string, newGround: () => Promise<StoreGround>): void {
  const result = conformanceResults.find((each) => each.peer === peer);
  if (result === undefined) throw new Error(`results.json has no line for ${peer}`);
  describe(`${result.name} keeps the promises of ObjectStore that docs/stores.md says`, () => {
    for (const check of storeChecks(result.conditions)) {
      const broken = result.broken.find((each) => each.check === check.name);
      if (broken === undefined) it(check.name, () => runStoreCheck(check, newGround));
      else {
        it(`breaks: ${check.name}`, async () => {
          await assert.rejects(
            runStoreCheck(check, newGround),
            "it keeps it now: take it off the list",
          );
        });
      }
    }
  });
}
