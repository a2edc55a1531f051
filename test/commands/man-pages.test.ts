import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { manPages } from "../../scripts/man-pages.ts";
import { environmentName } from "../../src/app/settings/environment.ts";
import { settingNames } from "../../src/app/settings/table.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { peerSuite } from "../peers/peer-suite.ts";

const pages = manPages("2026-11-30");

/** The page as `man` shows it, in one line. Fails for whatever `man` warns of. */
function shown(name: string): string {
  const { stdout, stderr, status } = spawnSync("man", ["--warnings", "-E", "UTF-8", "-l", "-"], {
    ...{ encoding: "utf8", input: pages.get(name) ?? "" },
    env: { ...process.env, MANWIDTH: "2000", MANPAGER: "cat", LC_ALL: "C.UTF-8" },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.replaceAll(/\s+/g, " ");
}

describe("the manual pages", () => {
  it("there is one for each command, and one for the program", () => {
    const names = definitions.map(({ name }) => `scb-mirror-${name}.1`);
    assert.deepEqual([...pages.keys()], ["scb-mirror.1", ...names]);
  });

  it("a command's page depends on nothing but the definitions and the day", () => {
    assert.deepEqual(manPages("2026-11-30"), pages);
    assert.notDeepEqual(manPages("2026-12-01"), pages);
  });
});

peerSuite("the manual pages in man", ["packaging"], () => {
  it("name each setting", () => {
    const text = shown("scb-mirror.1");
    for (const name of settingNames) assert.ok(text.includes(` ${environmentName(name)} `), name);
    assert.match(text, /EXIT STATUS 0 Done, or healthy\./);
  });

  for (const { name, settings, options, examples } of definitions) {
    it(`${name}: name each flag and each example as they are typed`, () => {
      const text = shown(`scb-mirror-${name}.1`);
      assert.match(text, new RegExp(`NAME scb-mirror-${name} - \\S`));
      for (const setting of settings) assert.ok(text.includes(`--${setting} `), setting);
      for (const [own, { argument, placeholder }] of Object.entries(options)) {
        const form = argument === undefined ? `--${own} ` : placeholder?.toUpperCase();
        assert.ok(text.includes(form ?? "-"), own);
      }
      for (const example of examples) assert.ok(text.includes(`scb-mirror ${example}`), example);
    });
  }
});
