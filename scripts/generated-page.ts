import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

/** A page made from the code, at least in part. A test fails if the committed page is stale. */
export interface GeneratedPage {
  /** Relative to the repository's root. */
  readonly path: string;
  /** The npm script that writes it. */
  readonly script: string;
  /** `committed`: the current text; a page keeps the parts of it that aren't made from the code. */
  readonly make: (committed: string) => string;
}

/** Empty if the page doesn't exist yet. */
export function committedText({ path }: GeneratedPage): string {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

export function writePages(pages: readonly GeneratedPage[]): void {
  for (const page of pages) {
    const file = join(root, page.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, page.make(committedText(page)));
  }
}

/** A table in Markdown. A `|` in a cell is text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll("|  |", "| |");
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** Turns a fragment into a sentence. lnd and lncli stay in lower case. */
export function sentence(fragment: string): string {
  if (/^ln(?:d|cli)\b/.test(fragment)) return `${fragment.replace(/\.$/, "")}.`;
  return `${fragment.charAt(0).toUpperCase()}${fragment.slice(1).replace(/\.$/, "")}.`;
}

/** One paragraph, wrapped so that diffs stay readable. No line breaks within a link or code. */
export function wrapped(text: string, width = 110): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/(?:\[[^\]]*\]|`[^`]*`|\S)+/g) ?? []) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
