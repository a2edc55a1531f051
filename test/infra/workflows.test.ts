import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { peerSuite } from "../peers/peer-suite.ts";
import { provisionActionlint } from "../peers/provision.ts";
import { runCommand } from "../peers/run-command.ts";
import { root } from "./deployment.ts";

const files = globSync(".github/workflows/*.yml", { cwd: root }).sort();
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");

const workflowSchema = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({ permissions: z.record(z.string(), z.string()).optional() }),
  ),
});

describe("the workflows", () => {
  it("are the two", () => {
    assert.deepEqual(files, [".github/workflows/ci.yml", ".github/workflows/release.yml"]);
  });

  for (const file of files) {
    it(`${file}: each action is pinned by its commit, and a comment says which version that is`, () => {
      const used = [...textOf(file).matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, what]) => what);
      assert.ok(used.length > 0);
      const pinned = /^(?:\.\/\S+|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/;
      for (const what of used) assert.match(what ?? "", pinned);
    });

    it(`${file}: may write only where it publishes`, () => {
      const { permissions, jobs } = workflowSchema.parse(parse(textOf(file)));
      assert.deepEqual(permissions, { contents: "read" });
      const writing = Object.entries(jobs).filter(([, job]) => job.permissions !== undefined);
      const publishing = file.endsWith("release.yml") ? ["publish", "image", "chart", "site"] : [];
      assert.deepEqual(
        writing.map(([name]) => name),
        publishing,
      );
    });
  }

  it("one action has one version", () => {
    const used = files.flatMap((file) => [
      ...textOf(file).matchAll(/uses: ([\w-]+\/[\w-]+)(@.*)$/gm),
    ]);
    const versions = new Map<string, Set<string>>();
    for (const [, action = "", version = ""] of used) {
      versions.set(action, (versions.get(action) ?? new Set()).add(version));
    }
    for (const [action, set] of versions) assert.equal(set.size, 1, action);
  });
});

peerSuite("the workflows by actionlint", ["actionlint"], () => {
  it("are clean", async () => {
    const actionlint = await provisionActionlint();
    assert.equal(await runCommand(actionlint, files, { cwd: root, timeoutMs: 60_000 }), "");
  });
});
