import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { claimMutants } from "./claim-mutants.ts";
import { loadMutant } from "./mutant-modules.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { planOf } from "./plan.ts";
import { scheduleOf, type Way } from "./schedule.ts";
import { storesMutants } from "./stores-mutants.ts";
import { storesPlanOf } from "./stores-plan.ts";
import type { SimulationResult } from "./world.ts";

const mostSchedules = 5_000;

/** Only what a way needs is loaded once more. */
async function mutated(
  mutant: Mutant,
  way: Way,
): Promise<(seed: number) => Promise<SimulationResult>> {
  if (way === "stores") {
    const { StoresWorld } = await loadMutant<typeof import("./stores-world.ts")>(
      mutant,
      "stores-world.ts",
    );
    return (seed) => new StoresWorld(storesPlanOf(seed)).run();
  }
  const { World } = await loadMutant<typeof import("./world.ts")>(mutant, "world.ts");
  return (seed) => new World(planOf(seed), way).run();
}

describe("the simulation finds each defect that is made on purpose", () => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const table: string[] = [];
  for (const mutant of [...mutants, ...claimMutants, ...storesMutants]) {
    for (const mode of mutant.modes) {
      it(`${mutant.name} (${mode})`, async () => {
        const run = await mutated(mutant, mode);
        for (let seed = 1; seed <= mostSchedules; seed += 1) {
          const { violation } = await run(seed);
          if (violation === null) continue;
          const asItIs = await scheduleOf(seed, mode).run();
          assert.equal(asItIs.violation, null, `schedule ${seed} fails without the mutant as well`);
          const name = mutant.isNamed ? `**${mutant.name}**` : mutant.name;
          table.push(`| ${name} | ${mode} | ${violation.invariant} | ${seed} |`);
          return;
        }
        assert.fail(`it survives ${mostSchedules} schedules: the simulation is too weak`);
      });
    }
  }
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
    process.stdout.write(
      `\n| mutant | mode | caught by | schedules |\n|---|---|---|---|\n${table.join("\n")}\n\n`,
    );
  });
});
