import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** Everything that people read about the program. */
export const pageFiles: readonly string[] = globSync(["*.md", "docs/**/*.md"], {
  cwd: root,
  exclude: ["**/node_modules", "docs/.vitepress"],
}).sort();

export const pageText = (file: string): string => readFileSync(join(root, file), "utf8");

/**
 * A block of commands, and who runs it. By default the test of the documentation does, in the order of the
 * page; a comment on the line before says otherwise:
 * - `<!-- run by: FILE, … -->`: another test, which reads the page or does the same.
 * - `<!-- not run: REASON -->`: nobody can here.
 *
 * `<!-- every block is run by: FILE, … -->` speaks for a whole page.
 */
export interface CommandBlock {
  readonly file: string;
  /** Of its fence, from 1. */
  readonly line: number;
  readonly commands: string;
  readonly mark:
    | { readonly kind: "run here" }
    | { readonly kind: "run by"; readonly test: string }
    | { readonly kind: "not run"; readonly reason: string };
}

/** All blocks of commands of a page, in order. Throws for a mark that it doesn't understand. */
export function commandBlocksOf(file: string): readonly CommandBlock[] {
  const lines = pageText(file).split("\n");
  const [, everyBlock] = /<!-- every block is run by: ([^\s,]+).* -->/.exec(lines.join("\n")) ?? [];
  const blocks: CommandBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent, info = ""] = /^( *)```(\S.*)$/.exec(lines[at] ?? "") ?? [];
    if (indent === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, at);
    if (end < 0) throw new Error(`${file}:${at + 1}: a block without an end`);
    if (/^(?:sh|bash|shell|console)\b/.test(info)) {
      const commands = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
      blocks.push({
        file,
        line: at + 1,
        commands: commands.join("\n"),
        mark: markOf(lines[at - 1] ?? "", everyBlock, `${file}:${at}`),
      });
    }
    at = end;
  }
  return blocks;
}

function markOf(
  before: string,
  everyBlock: string | undefined,
  where: string,
): CommandBlock["mark"] {
  const [, comment] = /^ *<!-- (.*) -->$/.exec(before) ?? [];
  if (comment !== undefined) {
    const [, test] = /^run by: ([^\s,]+)/.exec(comment) ?? [];
    if (test !== undefined) return { kind: "run by", test };
    const [, reason] = /^not run: (.{10,})$/.exec(comment) ?? [];
    if (reason !== undefined) return { kind: "not run", reason };
    if (!comment.startsWith("every block")) throw new Error(`${where}: what is "${comment}"?`);
  }
  return everyBlock === undefined ? { kind: "run here" } : { kind: "run by", test: everyBlock };
}
