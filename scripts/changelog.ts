/**
 * Makes CHANGELOG.md from the fragments in `changelog/`, one file a change.
 * `npm run generate:changelog -- VERSION` moves those of `changelog/unreleased/` to
 * `changelog/VERSION_DATE/` first. Without VERSION only CHANGELOG.md is written.
 */
import { globSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** In the order in which a release lists them: changes that may require action come first. */
const sections = [
  ["Change", "Changes"],
  ["Enhancement", "Enhancements"],
  ["Bugfix", "Bug fixes"],
] as const;

export interface Fragment {
  readonly kind: (typeof sections)[number][0];
  readonly title: string;
  readonly text: string;
}

interface Release {
  readonly version: string;
  /** As in 2026-11-30. */
  readonly date: string;
  readonly fragments: readonly Fragment[];
}

const releasePattern = /^(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)_(\d{4}-\d{2}-\d{2})$/;

/** Throws if the text is not a valid fragment; the message says why. */
export function parseFragment(text: string): Fragment {
  const [first = "", second, ...rest] = text.trimEnd().split("\n");
  const [, word, title = ""] = /^([A-Z][a-z]+): (\S.*)$/.exec(first) ?? [];
  const kind = sections.map(([name]) => name).find((name) => name === word);
  if (kind === undefined) {
    throw new Error(
      `the first line must be ${sections.map(([name]) => `"${name}: …"`).join(" or ")}`,
    );
  }
  if (title.length > 100) throw new Error("the first line is longer than 100 characters");
  if (title.endsWith(".")) throw new Error("the first line ends with a full stop");
  if (second !== "") throw new Error("the second line must be empty");
  const paragraphs = rest.join("\n").trim();
  if (paragraphs === "") throw new Error("there is no text below the first line");
  if (/^#/m.test(paragraphs)) throw new Error("the text has a heading");
  return { kind, title, text: paragraphs };
}

/** By name. Throws if one isn't well formed; the message names it. */
export function readFragments(folder: string): readonly Fragment[] {
  return fragmentFiles(folder).map((file) => {
    try {
      return parseFragment(readFileSync(join(folder, file), "utf8"));
    } catch (error) {
      throw new Error(`${join(folder, file)}: ${String(error)}`, { cause: error });
    }
  });
}

function fragmentFiles(folder: string): readonly string[] {
  return globSync("*.md", { cwd: folder }).sort();
}

/** The text of CHANGELOG.md: all released changes. */
export function changelog(folder: string): string {
  const releases = readdirSync(folder)
    .flatMap((name): Release[] => {
      const [, version, date] = releasePattern.exec(name) ?? [];
      if (version === undefined || date === undefined) return [];
      return [{ version, date, fragments: readFragments(join(folder, name)) }];
    })
    .sort(newestFirst)
    .map(({ version, date, fragments }) => `## ${version} (${date})\n\n${listed(fragments)}`);
  return `${[introduction, ...releases].join("\n\n")}\n`;
}

/** The release notes of one version: the unreleased changes, if it isn't released yet. */
export function releaseNotes(folder: string, version: string): string {
  const released = readdirSync(folder).find((name) => releasePattern.exec(name)?.[1] === version);
  return `${listed(readFragments(join(folder, released ?? "unreleased")))}\n`;
}

function newestFirst(a: Release, b: Release): number {
  if (a.date !== b.date) return a.date < b.date ? 1 : -1;
  return b.version.localeCompare(a.version, "en", { numeric: true });
}

function listed(fragments: readonly Fragment[]): string {
  return sections
    .flatMap(([kind, heading]) => {
      const own = fragments.filter((fragment) => fragment.kind === kind);
      if (own.length === 0) return [];
      return [`### ${heading}\n\n${own.map(item).join("\n")}`];
    })
    .join("\n\n");
}

function item({ title, text }: Fragment): string {
  return [`- **${title}.**`, ...text.split("\n")]
    .map((line, index) => (index === 0 || line === "" ? line : `  ${line}`))
    .join("\n");
}

const introduction = `# Changelog

Notable changes, newest first. Versions follow [Semantic Versioning](https://semver.org). What the next
release will bring is in \`changelog/unreleased/\`, one file for each change.`;

/** Moves the unreleased fragments to the folder of the version that releases them. */
function release(folder: string, version: string, date: string): void {
  const name = `${version}_${date}`;
  if (!releasePattern.test(name)) throw new Error(`${version} is no version: give X.Y.Z`);
  const unreleased = join(folder, "unreleased");
  // Read first: nothing moves if one of them isn't well formed.
  if (readFragments(unreleased).length === 0) throw new Error("there is no unreleased change");
  if (readdirSync(folder).some((other) => other.startsWith(`${version}_`))) {
    throw new Error(`${version} was released before`);
  }
  mkdirSync(join(folder, name));
  for (const file of fragmentFiles(unreleased)) {
    renameSync(join(unreleased, file), join(folder, name, file));
  }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const { values, positionals } = parseArgs({
    options: { root: { type: "string", default: root }, date: { type: "string" } },
    allowPositionals: true,
  });
  const folder = join(values.root, "changelog");
  const [version] = positionals;
  const today = new Date().toISOString().slice(0, 10);
  if (version !== undefined) release(folder, version, values.date ?? today);
  writeFileSync(join(values.root, "CHANGELOG.md"), changelog(folder));
}
