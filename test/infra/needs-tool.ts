import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { inCi } from "../peers/peer-unavailable.ts";

/**
 * An `it` that runs a tool of the machine. Where the tool is missing the test is skipped, and a
 * message says so; with CI=true that is a failure where the tool is required there.
 */
export function itNeeds(
  tool: string,
  { inCi: isRequired, remedy }: { readonly inCi: boolean; readonly remedy: string },
  name: string,
  fn: () => void,
): void {
  if (spawnSync(tool, ["--version"]).status === 0) {
    it(name, fn);
    return;
  }
  const reason = `${tool} is not there: ${remedy}`;
  if (isRequired && inCi()) {
    it(name, () => {
      throw new Error(reason);
    });
    return;
  }
  process.stderr.write(`\n*** NOT TESTED: ${name}\n*** ${reason}\n\n`);
  it(name, { skip: reason });
}
