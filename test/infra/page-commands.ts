import { commandBlocksOf, pageText } from "../docs/pages.ts";

const page = "docs/deploy.md";

/**
 * The commands of a section of docs/deploy.md that a test runs: its block of this index, among those that
 * are run. `values` stand in for what a reader replaces. Throws for one that the block doesn't have.
 */
export function deployCommands(
  section: string,
  index = 0,
  values: Readonly<Record<string, string>> = {},
): string {
  const block = deployBlocks().filter((each) => each.section === section)[index];
  return withValues(`${block?.commands ?? ""}\n`, values);
}

/** Each block of commands that isn't marked as not run, with the heading that it stands under. */
export function deployBlocks(): readonly { readonly section: string; readonly commands: string }[] {
  const lines = pageText(page).split("\n");
  return commandBlocksOf(page)
    .filter(({ mark }) => mark.kind !== "not run")
    .map(({ line, commands }) => {
      const heading = lines.slice(0, line).findLast((each) => each.startsWith("## "));
      return { section: heading?.slice(3) ?? "", commands };
    });
}

/** The page's values of the chart. */
export function deployValues(values: Readonly<Record<string, string>>): string {
  const [, indent = "", text = ""] = /^( *)```yaml\n(.*?)^ *```$/ms.exec(pageText(page)) ?? [];
  return withValues(text.replaceAll(new RegExp(`^${indent}`, "gm"), ""), values);
}

/** `text` with each key of `values` replaced, everywhere. Throws for a key that it doesn't hold. */
export function withValues(text: string, values: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [key, value] of Object.entries(values)) {
    if (!result.includes(key)) throw new Error(`${page} has no ${key} in:\n${text}`);
    result = result.replaceAll(key, () => value);
  }
  return result;
}
