import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { exitCodes } from "../../src/commands/exit-code.ts";
import { paths, readUnit, root } from "./deployment.ts";
import { itNeeds } from "./needs-tool.ts";

const tool = { inCi: false, remedy: "it comes with systemd" };

/** Of 100; what systemd itself calls "OK" begins at 40. */
const highestExposure = 15;

function analyze(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  assert.equal(status, 0, `${stdout.slice(-2000)}${stderr}`);
  assert.equal(stderr, "");
}

describe("scb-mirror.service", () => {
  const directive = (name: string) => readUnit().find(([found]) => found === name)?.[1];

  it("is started again after a failure, but not after what only a person can mend", () => {
    assert.equal(directive("Restart"), "on-failure");
    const codes = directive("RestartPreventExitStatus")?.split(" ").map(Number);
    assert.deepEqual(codes, [exitCodes.usage, exitCodes.refused]);
  });

  it("has a limit of memory, as the containers have", () => {
    assert.equal(directive("MemoryMax"), "512M");
    assert.match(readFileSync(`${root}docker-compose.yml`, "utf8"), /limits:\n\s+memory: 512M/);
    assert.match(readFileSync(paths.guide, "utf8"), /docker run .* --memory 512m/);
  });

  it("keeps credentials out of the environment and the command line", () => {
    const loaded = readUnit().filter(([name]) => name === "LoadCredential");
    const files = loaded.map(([, value]) => value.split(":")[0]);
    assert.deepEqual(files, ["tls.cert", "scb.macaroon", "aws-credentials"]);
    assert.doesNotMatch(readFileSync(paths.unit, "utf8"), /LNDCONNECT|AWS_SECRET_ACCESS_KEY/);
  });

  itNeeds("systemd-analyze", tool, "systemd finds nothing wrong with it", () => {
    const folder = mkdtempSync(join(tmpdir(), "scb-unit-"));
    try {
      // systemd also looks whether the program is there; here it isn't installed.
      const text = readFileSync(paths.unit, "utf8").replace("/usr/bin/scb-mirror", "/bin/true");
      const path = join(folder, "scb-mirror.service");
      writeFileSync(path, text);
      analyze("verify", "--man=no", path);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  itNeeds("systemd-analyze", tool, "systemd rates it as well locked in", () => {
    analyze("security", "--offline=true", `--threshold=${highestExposure}`, paths.unit);
  });
});
