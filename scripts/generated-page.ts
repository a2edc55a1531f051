import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

/** A page that is made from the code, or has a part that is. A test fails if the committed one is stale. */
export interface GeneratedPage {
  /** Below the root of the repository. */
  readonly path: string;
  /** The script of npm that writes it. */
  readonly script: string;
  /** `committed`: what is there now, of which a page keeps what isn't made from the code. */
  readonly make: (committed: string) => string;
}

/** Empty if there is none yet. */
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

/** A fragment as a sentence. lnd and lncli have no capitals. */
export function sentence(fragment: string): string {
  if (/^ln(?:d|cli)\b/.test(fragment)) return `${fragment.replace(/\.$/, "")}.`;
  return `${fragment.charAt(0).toUpperCase()}${fragment.slice(1).replace(/\.$/, "")}.`;
}

/** One paragraph, in lines that a person can compare. No line ends within a link or code. */
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
