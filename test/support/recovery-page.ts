import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The recovery page, as its text and as the commands that it shows. */
const text = readFileSync(
  fileURLToPath(new URL("../../docs/recovery.md", import.meta.url)),
  "utf8",
);

/** Every block of commands, in order. */
export const commandBlocks: readonly string[] = [
  ...text.matchAll(/^( *)```sh\n(.*?)^ *```$/gms),
].map(([, indent = "", block = ""]) =>
  block.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
);

/** The blocks that `pageCommands` has returned. */
export const triedBlocks = new Set<string>();

/**
 * The only block that matches, with the names of its example replaced. Throws if there is none or
 * more than one, or if an example's name is not in it: then the page has changed.
 */
export function pageCommands(
  marker: RegExp,
  replacements: Readonly<Record<string, string>> = {},
): string {
  const found = commandBlocks.filter((block) => marker.test(block));
  const [block] = found;
  if (block === undefined || found.length > 1) {
    throw new Error(`${found.length} blocks of docs/recovery.md match ${marker}`);
  }
  triedBlocks.add(block);
  return Object.entries(replacements).reduce((lines, [name, value]) => {
    if (!lines.includes(name)) throw new Error(`docs/recovery.md: no ${name} beside ${marker}`);
    return lines.replaceAll(name, value);
  }, block);
}
