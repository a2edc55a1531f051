import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { claimMutants } from "./claim-mutants.ts";
import { loadMutant } from "./mutant-modules.ts";
import { mutants } from "./mutants.ts";
import { planOf } from "./plan.ts";
import { World } from "./world.ts";

const mostSchedules = 5_000;

describe("the simulation finds each defect that is made on purpose", () => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const table: string[] = [];
  for (const mutant of [...mutants, ...claimMutants]) {
    for (const mode of mutant.modes) {
      it(`${mutant.name} (${mode} mode)`, async () => {
        const mutated = await loadMutant<typeof import("./world.ts")>(mutant, "world.ts");
        for (let seed = 1; seed <= mostSchedules; seed += 1) {
          const { violation } = await new mutated.World(planOf(seed), mode).run();
          if (violation === null) continue;
          const asItIs = await new World(planOf(seed), mode).run();
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
