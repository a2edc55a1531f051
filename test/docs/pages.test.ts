/** The pages as they stand: their links, their length, and the messages that they quote. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";
import { pageFiles, pageText, root } from "./pages.ts";

/** Without what stands in blocks, where `[…](…)` and `#` are no links or headings. */
const proseOf = (file: string): string => pageText(file).replaceAll(/^( *)```.*?^\1```$/gms, "");

/** As GitHub and the site make it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

const anchorsOf = (file: string): ReadonlySet<string> =>
  new Set([...proseOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading)));

/** Why a link of a page leads nowhere; null if it leads somewhere. */
function brokenLink(file: string, to: string): string | null {
  if (/^[a-z]+:/i.test(to)) return null;
  const [path = "", anchor] = to.split("#");
  const target = path === "" ? file : relative(root, join(root, dirname(file), path));
  if (!existsSync(join(root, target))) return `${file}: there is no ${target}`;
  if (anchor === undefined || !target.endsWith(".md")) return null;
  return anchorsOf(target).has(anchor) ? null : `${file}: ${target} has no heading #${anchor}`;
}

describe("the pages of the documentation", () => {
  it("have links that lead somewhere, to the heading that they name", () => {
    const links = pageFiles.flatMap((file) =>
      [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => ({ file, to })),
    );
    assert.ok(links.length > 100);
    assert.deepEqual(
      links.flatMap(({ file, to }) => brokenLink(file, to) ?? []),
      [],
    );
    assert.match(brokenLink("README.md", "docs/none.md") ?? "", /no docs\/none\.md/);
    assert.match(brokenLink("README.md", "docs/recovery.md#none") ?? "", /no heading #none/);
  });

  it("can all be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const file of reached) {
      for (const [, to = ""] of proseOf(file).matchAll(/\]\(([^)\s#]+\.md)(?:#[^)]*)?\)/g)) {
        const target = relative(root, join(root, dirname(file), to));
        if (existsSync(join(root, target))) reached.add(target);
      }
    }
    assert.deepEqual(
      pageFiles.filter((file) => file.startsWith("docs/") && !reached.has(file)),
      [],
    );
  });

  it("begin with what can be read in two minutes: the README has at most 900 words", () => {
    assert.ok(pageText("README.md").split(/\s+/).length <= 900);
  });

  it("quote only messages that the program has", () => {
    const code = globSync("src/**/*.ts", { cwd: root })
      .map((file) => readFileSync(join(root, file), "utf8"))
      .join("\n");
    // Where a page has an example of a value, or nothing, the code has a placeholder.
    const source = code + code.replaceAll(/\$\{[^}]*\}/g, "");
    const wrong = pageFiles.flatMap((file) => {
      const tables = pageText(file).matchAll(/^\| (?:you see|it says) \|.*\n(?:\|.*\n)+/gm);
      return [...tables].flatMap(([table]) =>
        [...table.matchAll(/^\| (.*?) \|/gm)]
          .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)])
          .flatMap(([, quoted = ""]) => quoted.split(/…|(?:sequence )?\b\d+\b|: versions\/.*/))
          .map((part) => part.trim())
          .filter((part) => part.length > 3 && !source.includes(part))
          .map((part) => `${file}: ${part}`),
      );
    });
    assert.deepEqual(wrong, []);
  });
});
