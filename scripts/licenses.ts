/** Collects the licences of the packages in a bundle, as those licences require. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const apacheText = /^\s*Apache License[\s\S]*END OF TERMS AND CONDITIONS/;
/** Marks, at its head, a file that another project's licence covers. */
const fileHeader = /^(?:\/\/.*\n)+/;

/**
 * The licence texts of all packages that `modules` (file paths) belong to, each once. Throws if a package
 * has none, unless another package from its repository has it, or its licence is Apache 2.0,
 * whose text is always the same, or MIT.
 */
export function licenseTexts(modules: readonly string[]): string {
  const packages = [...packageFolders(modules)].map(([folder, paths]) => packageOf(folder, paths));
  const apache = packages.flatMap(({ texts }) => texts).find((text) => apacheText.test(text));
  const byText = new Map<string, string[]>();
  for (const { name, license, repository, texts: ownTexts } of packages) {
    const isApache = license.includes("Apache-2.0");
    const sibling = packages.find(
      (other) =>
        other.repository === repository && other.license === license && other.texts.length > 0,
    );
    const isShared = ownTexts.length === 0 && repository !== undefined && sibling !== undefined;
    const texts = isShared ? sibling.texts : ownTexts;
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

/** The folders of the packages that `modules` belong to, each with its modules. */
export function packageFolders(modules: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const path of modules) {
    const [, folder] = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (folder !== undefined) folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  return folders;
}

function packageOf(folder: string, paths: readonly string[]) {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  const { name, version, license, repository, author } = JSON.parse(text);
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const headers = paths
    .map((path) => fileHeader.exec(readFileSync(path, "utf8"))?.[0] ?? "")
    .filter((header) => header.includes("Redistributions of source code"))
    .map((header) => header.replaceAll(/^\/\/ ?/gm, ""));
  const own = [...files.map((file) => readFileSync(join(folder, file), "utf8")), ...headers];
  const inWords = own.length > 0 ? own : inReadme(folder);
  const holder = author?.name ?? author ?? `the authors of ${name}`;
  const texts = inWords.length === 0 && license === "MIT" ? [mitText(holder)] : inWords;
  return {
    name: `${name} ${version}`,
    license: String(license),
    repository: repository?.url as string | undefined,
    texts: texts.map((text) => text.replaceAll("\r\n", "\n").trim()),
  };
}

/** The licence of a package that has it only in its README, from its heading on. */
function inReadme(folder: string): string[] {
  const readme = readdirSync(folder).find((file) => /^readme/i.test(file));
  if (readme === undefined) return [];
  const text = readFileSync(join(folder, readme), "utf8");
  const [, licence] = /^#*[ \t]*Licen[cs]e[ \t]*\n(?:-+\n|=+\n)?([\s\S]*)/im.exec(text) ?? [];
  return licence?.includes("Permission is hereby granted") === true
    ? [licence.replaceAll("&lt;", "<").replaceAll("&gt;", ">")]
    : [];
}

/** The text of MIT is always the same but for the holder: for a package that only names the licence. */
function mitText(holder: string): string {
  const own = readFileSync(new URL("../LICENSE", import.meta.url), "utf8");
  const [, terms = ""] = /(Permission is hereby granted[\s\S]*)/.exec(own) ?? [];
  return `MIT License\n\nCopyright (c) ${holder}\n\n${terms}`;
}
