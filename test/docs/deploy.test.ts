import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { root } from "../infra/deployment.ts";
import { deployBlocks } from "../infra/page-commands.ts";

/** Each `deployCommands("Section", 0` in the tests, as "Section 0". */
function typedInTests(): ReadonlySet<string> {
  const files = globSync("test/{infra,release}/*.ts", { cwd: root });
  const texts = files.map((file) => readFileSync(join(root, file), "utf8"));
  const calls = texts.flatMap((text) => [
    ...text.matchAll(/deployCommands\(\s*"([^"]+)"(?:,\s*(\d+))?/g),
  ]);
  return new Set(calls.map(([, section, index = "0"]) => `${section} ${index}`));
}

it("docs/deploy.md: each block that is marked as run is typed by a test", () => {
  const typed = typedInTests();
  const blocks = Map.groupBy(deployBlocks(), ({ section }) => section);
  for (const [section, own] of blocks) {
    own.forEach(({ commands }, index) => {
      assert.ok(typed.has(`${section} ${index}`), `no test types:\n${commands}`);
    });
  }
  assert.ok(blocks.size > 5);
});
