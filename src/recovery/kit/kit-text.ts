import type { Kit } from "./kit.ts";

const widthColumns = 78;

/** The page as plain text of 78 columns. Commands are never broken. */
export function kitToText(kit: Kit): string {
  const labelWidth = Math.max(...kit.facts.map(([label]) => label.length)) + 2;
  const lines = [
    kit.title.toUpperCase(),
    "",
    ...kit.facts.map(([label, value]) => `${`${label}:`.padEnd(labelWidth)}${value}`),
    "",
    ...kit.blanks.map((label) => `${label}: `.padEnd(widthColumns, "_")),
  ];
  for (const { title, blocks } of kit.sections) {
    lines.push("", title);
    for (const block of blocks) {
      if (block.kind === "text") lines.push(...wrapped(block.text).map((line) => `   ${line}`));
      else lines.push(...block.lines.map((line) => `       ${line}`));
    }
  }
  lines.push("", ...wrapped(kit.footer));
  return `${lines.join("\n")}\n`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > widthColumns - 3) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
