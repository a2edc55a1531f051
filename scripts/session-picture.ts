/**
 * Makes `docs/images/session.svg`, the README's picture: a real session at a terminal, with the built program
 * and its demo node. `npm run build && npm run generate:picture`.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const target = join(root, "docs/images/session.svg");
const columns = 96;
/** What is typed, how long the command may run, and how many lines of its output are shown. */
const session = [
  { command: "scb-mirror run --from demo --node alice --to file://STORE", seconds: 16, lines: 6 },
  { command: "scb-mirror status --node alice --to file://STORE", seconds: 30, lines: 4 },
  { command: "scb-mirror restore --node alice --to file://STORE", seconds: 30, lines: 3 },
];

const style = {
  fontSizePx: 14,
  lineHeightPx: 20,
  characterWidthPx: 8.43,
  marginPx: 18,
  colours: { "32": "#7ee787", "33": "#e3b341", "31": "#ff7b72", "2": "#8b949e" },
} as const;

/** Begins a style, or clears a line. `split` returns these pieces too. */
const styled = new RegExp(`(${"\u001b"}\\[\\d*[mK])`);
const isStyle = new RegExp(`^${"\u001b"}\\[(\\d*)[mK]$`);

interface Span {
  readonly text: string;
  readonly colour: string | undefined;
  readonly isBold: boolean;
}

const folder = mkdtempSync(join(tmpdir(), "scb-session-"));
try {
  const program = join(folder, "scb-mirror");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${root}/dist/cli.js' "$@"\n`);
  chmodSync(program, 0o755);
  const lines = session.flatMap(({ command, seconds, lines: shown }, at) => {
    const typed: Span[] = [
      { text: `$ ${command.replace("STORE", "/mnt/usb")}`, colour: undefined, isBold: true },
    ];
    const answer = answerAtTerminal(command.replace("STORE", join(folder, "usb")), seconds);
    return [...(at > 0 ? [[]] : []), typed, ...answer.slice(0, shown).map(spansOf)];
  });
  writeFileSync(target, svg(lines));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What the command prints at a terminal, line by line, until it ends or is stopped. */
function answerAtTerminal(command: string, seconds: number): readonly string[] {
  const limited = `stty cols ${columns}; timeout -s INT ${seconds} ${command} 2>/dev/null`;
  const { stdout } = spawnSync("script", ["-qec", limited, "/dev/null"], {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env["PATH"]}`,
      HOME: folder,
      TERM: "xterm",
      SCB_MIRROR_DEMO_INTERVAL: "4s",
    },
    encoding: "utf8",
  });
  return stdout
    .replaceAll(join(folder, "usb"), "/mnt/usb")
    .replaceAll(`${folder}/`, "./")
    .replaceAll(hostname(), "pi")
    .split(/\r*\n/)
    .filter((line) => line !== "" && !line.startsWith("^C"));
}

/** A line, cut to the terminal's width, in pieces of one style each. */
function spansOf(line: string): readonly Span[] {
  const spans: Span[] = [];
  let [colour, isBold, room] = [undefined as string | undefined, false, columns];
  for (const piece of line.split(styled)) {
    const [, code] = isStyle.exec(piece) ?? [];
    if (code === undefined) {
      const text = piece.length > room ? `${piece.slice(0, Math.max(0, room - 1))}…` : piece;
      room -= text.length;
      if (text !== "") spans.push({ text, colour, isBold });
    } else if (code === "1") isBold = true;
    else if (code === "22" || code === "39" || code === "0") [colour, isBold] = [undefined, false];
    else colour = Object.entries(style.colours).find(([name]) => name === code)?.[1] ?? colour;
  }
  return spans;
}

function svg(lines: readonly (readonly Span[])[]): string {
  const { fontSizePx, lineHeightPx, characterWidthPx, marginPx } = style;
  const width = Math.ceil(columns * characterWidthPx + 2 * marginPx);
  const height = lines.length * lineHeightPx + 2 * marginPx;
  const rows = lines.map((spans, at) => {
    const y = marginPx + at * lineHeightPx + fontSizePx;
    return `<text x="${marginPx}" y="${y}">${spans.map(tspan).join("")}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>A terminal: scb-mirror run saves backups, status reads one back, restore fetches it</title>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<g fill="#e6edf3" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="${fontSizePx}">
${rows.join("\n")}
</g>
</svg>
`;
}

function tspan({ text, colour, isBold }: Span): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(" ", "\u00a0");
  const attributes = [
    ...(colour === undefined ? [] : [` fill="${colour}"`]),
    ...(isBold ? [' font-weight="bold"'] : []),
  ];
  return `<tspan${attributes.join("")}>${escaped}</tspan>`;
}
