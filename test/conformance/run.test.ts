import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";

function run(...args: readonly string[]) {
  const script = join(import.meta.dirname, "run.ts");
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8", timeout: 120_000 });
}

describe("npm run conformance", () => {
  it("finds every promise kept by a folder, and leaves nothing in it", (t) => {
    const parent = mkdtempSync(join(tmpdir(), "scb-conformance-"));
    t.after(() => rmSync(parent, { recursive: true }));
    const { status, stdout } = run(pathToFileURL(join(parent, "store")).href);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^kept {4}of eight concurrent creates exactly one resolves$/m);
    assert.match(stdout, /all \d+ promises are kept/);
    assert.ok(!stdout.includes("BROKEN"));
    assert.deepEqual(readdirSync(join(parent, "store")), []);
  });

  it("says what is broken, and why", () => {
    const { status, stdout } = run("file:///dev/null/store");
    assert.equal(status, 1);
    assert.match(stdout, /^BROKEN {2}the probe .*: /m);
    assert.match(stdout, /of \d+ promises are broken/);
  });

  it("asks for a location", () => {
    for (const args of [[], ["s3://a", "s3://b"], ["nowhere"]]) {
      const { status, stdout, stderr } = run(...args);
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.match(stderr, /^[^\n]+\n$/);
    }
  });
});
