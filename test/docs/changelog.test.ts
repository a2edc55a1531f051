import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { changelog, parseFragment, readFragments, releaseNotes } from "../../scripts/changelog.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "changelog");
const script = join(root, "scripts/changelog.ts");

describe("the changelog", () => {
  it("each unreleased fragment is well formed", () => {
    for (const file of globSync("*", { cwd: join(folder, "unreleased") })) {
      assert.match(file, /^[a-z0-9][a-z0-9-]*\.md$/);
    }
    readFragments(join(folder, "unreleased"));
  });

  it("the template is a fragment", () => {
    parseFragment(readFileSync(join(folder, "TEMPLATE"), "utf8"));
  });

  it("CHANGELOG.md is what was released: else run npm run generate:changelog", () => {
    assert.equal(readFileSync(join(root, "CHANGELOG.md"), "utf8"), changelog(folder));
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["no kind", "A title\n\nText.\n", /first line must be/],
    ["an unknown kind", "Security: A title\n\nText.\n", /first line must be/],
    ["a full stop", "Bugfix: A title.\n\nText.\n", /full stop/],
    ["a long title", `Bugfix: ${"long ".repeat(30)}\n\nText.\n`, /longer than 100/],
    ["no empty line", "Bugfix: A title\nText.\n", /second line/],
    ["no text", "Bugfix: A title\n\n", /second line|no text/],
    ["a heading", "Bugfix: A title\n\n# More\n", /heading/],
  ];
  for (const [what, text, message] of wrong) {
    it(`a fragment with ${what} is refused`, () => {
      assert.throws(() => parseFragment(text), message);
    });
  }

  it("a release moves the fragments, and lists changes before enhancements before fixes", () => {
    const copy = mkdtempSync(join(tmpdir(), "scb-changelog-"));
    try {
      const own = join(copy, "changelog");
      cpSync(folder, own, { recursive: true });
      const unreleased = join(own, "unreleased");
      for (const file of readdirSync(unreleased)) rmSync(join(unreleased, file));
      const write = (name: string, text: string): void =>
        writeFileSync(join(unreleased, name), text);
      const run = (...args: readonly string[]) =>
        spawnSync(process.execPath, [script, "--root", copy, "--date", "2031-02-03", ...args]);

      assert.notEqual(run("99.0.0").status, 0, "there is nothing to release");
      write("a.md", "Bugfix: Save again\n\nIt did not save.\n\nNow it does.\n");
      write("b.md", "Change: Other defaults\n\nSet them.\n");
      write("c.md", "Enhancement: More\n\nMuch more.\n");
      assert.equal(
        releaseNotes(own, "99.0.0"),
        "### Changes\n\n- **Other defaults.**\n  Set them.\n\n### Enhancements\n\n- **More.**\n  Much more.\n\n" +
          "### Bug fixes\n\n- **Save again.**\n  It did not save.\n\n  Now it does.\n",
      );
      assert.notEqual(run("next").status, 0, "that is no version");
      assert.equal(run("99.0.0").status, 0);
      assert.deepEqual(readdirSync(unreleased), []);
      assert.ok(existsSync(join(own, "99.0.0_2031-02-03/a.md")));
      const text = readFileSync(join(copy, "CHANGELOG.md"), "utf8");
      assert.ok(
        text.includes(`## 99.0.0 (2031-02-03)\n\n${releaseNotes(own, "99.0.0").trimEnd()}`),
      );

      write("d.md", "Bugfix: One more\n\nIt is.\n");
      assert.notEqual(run("99.0.0").status, 0, "it was released before");
      assert.ok(existsSync(join(unreleased, "d.md")));
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
