/** Collects the licences of what a bundle holds, as its own licences ask for. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const apacheText = /^\s*Apache License[\s\S]*END OF TERMS AND CONDITIONS/;
/** At the head of a file that another project's licence covers. */
const fileHeader = /^(?:\/\/.*\n)+/;

/**
 * The texts for all packages that `modules` (paths of files) are of, each once. Throws for a package
 * that comes without one, unless its licence is Apache 2.0, which has one text for all.
 */
export function licenseTexts(modules: readonly string[]): string {
  const folders = new Map<string, string[]>();
  for (const path of modules) {
    const [, folder] = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (folder !== undefined) folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  const packages = [...folders].map(([folder, paths]) => packageOf(folder, paths));
  const apache = packages.flatMap(({ texts }) => texts).find((text) => apacheText.test(text));
  const byText = new Map<string, string[]>();
  for (const one of packages) {
    const { name, license } = one;
    const texts = one.texts.length > 0 ? one.texts : siblingTexts(one, packages);
    const isApache = license.includes("Apache-2.0");
    if (texts.length === 0 && !isApache)
      throw new Error(`${name} (${license}) has no licence text`);
    const general = isApache && texts.every((text) => !apacheText.test(text)) ? apache : undefined;
    const own = general === undefined ? [] : [(apacheText.exec(general)?.[0] ?? "").trim()];
    for (const text of [...own, ...texts]) byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const parts = [...byText].map(
    ([text, names]) => `${[...new Set(names)].sort().join("\n")}\n\n${text}`,
  );
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  return `scb-mirror contains code of these packages, under these licences.${rule}${parts.sort().join(rule)}\n`;
}

interface LicensedPackage {
  readonly name: string;
  readonly license: string;
  /** Where its source is; undefined if it doesn't say. */
  readonly repository: string | undefined;
  readonly texts: readonly string[];
}

/** One that comes without its text is under that of its repository, which a sibling may bring. */
function siblingTexts(
  { license, repository }: LicensedPackage,
  packages: readonly LicensedPackage[],
): readonly string[] {
  if (repository === undefined) return [];
  const isSibling = (other: LicensedPackage): boolean =>
    other.repository === repository && other.license === license && other.texts.length > 0;
  return packages.find(isSibling)?.texts ?? [];
}

function packageOf(folder: string, paths: readonly string[]): LicensedPackage {
  const { name, version, license, repository } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const headers = paths
    .map((path) => fileHeader.exec(readFileSync(path, "utf8"))?.[0] ?? "")
    .filter((header) => header.includes("Redistributions of source code"))
    .map((header) => header.replaceAll(/^\/\/ ?/gm, ""));
  const texts = [...files.map((file) => readFileSync(join(folder, file), "utf8")), ...headers];
  return {
    name: `${name} ${version}`,
    license: String(license),
    repository: repository?.url,
    texts: texts.map((text) => text.replaceAll("\r\n", "\n").trim()),
  };
}
