import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";

const suite = JSON.stringify(import.meta.resolve("./peer-suite.ts"));
const script = `
  import { it } from "node:test";
  import { peerSuite } from ${suite};
  peerSuite("needs a store", ["minio"], () => { it("uses it", () => undefined); });
  peerSuite("needs nothing", [], () => { it("runs", () => undefined); });
`;

/** Runs the suites on a machine without Go. */
function runWithoutGo(ci: string): { status: number | null; stdout: string; stderr: string } {
  const args = ["--test-reporter=spec", "--input-type=module", "--eval", script];
  // Without this the inner run would report to the outer one.
  const env = { PATH: "/nowhere", CI: ci, NODE_TEST_CONTEXT: undefined };
  return spawnSync(process.execPath, args, { encoding: "utf8", env, timeout: 30_000 });
}

describe("a suite whose peer can't be had", () => {
  it("is skipped, and says loudly why and what to install", () => {
    const { status, stdout, stderr } = runWithoutGo("");
    assert.equal(status, 0, stdout);
    assert.match(stderr, /NOT TESTED: needs a store/);
    assert.match(stderr, /Install Go/);
    assert.match(stdout, /skipped 1/);
    assert.match(stdout, /pass 1/);
    assert.doesNotMatch(stdout, /uses it/);
  });

  it("fails with CI=true", () => {
    const { status, stdout } = runWithoutGo("true");
    assert.equal(status, 1);
    assert.match(stdout, /fail 1/);
    assert.match(stdout, /Install Go/);
    assert.match(stdout, /pass 1/);
  });
});
