import { styleText } from "node:util";
import { systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { escapedJson, printable } from "../runtime/foreign-text.ts";
import { type Doing, ProgressLine } from "./progress-line.ts";

type Style = "bold" | "dim" | "green" | "red" | "yellow";

/** What a command may write. Facts go to stdout, everything else to stderr. */
export interface Terminal {
  /** One line on stdout. */
  line(text: string): void;
  /** One JSON document on stdout, on a line of its own. */
  json(value: unknown): void;
  /** Raw bytes on stdout. Resolves when they are written; throws "io" if they can't be. */
  bytes(bytes: Uint8Array): Promise<void>;
  /**
   * Resolves when all lines are written. Throws "io" if one of them couldn't be: a full disk must not end
   * a mirror, but the output is incomplete.
   */
  flush(): Promise<void>;
  /** One line on stderr, whatever the message holds. */
  note(text: string): void;
  /** What is in progress, or null once nothing is: see `ProgressLine`. */
  progress(doing: Doing | null): void;
  /** Removes the progress line, so that something else can be written to stderr. */
  makeWay(): void;
  /** Colour, only on a terminal, and never with NO_COLOR. */
  style(style: Style, text: string): string;
}

export function systemTerminal(): Terminal {
  const { stdout, stderr } = process;
  let lost: NodeJS.ErrnoException | null = null;
  // A reader that goes away (`| head -1`) isn't an error.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") lost ??= error;
  });
  // There is nowhere left to report it.
  stderr.on("error", () => undefined);
  const progress = new ProgressLine(stderr, systemClock, process.env["TERM"]);
  const write = (bytes: Uint8Array): Promise<NodeJS.ErrnoException | null> =>
    new Promise((resolve) => {
      progress.hide();
      stdout.write(bytes, (error) => resolve(error ?? null));
    });
  const isColour =
    stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  const shown = isColour ? printableButStyles : printable;
  return {
    line: (text) => {
      progress.hide();
      stdout.write(`${shown(text)}\n`);
    },
    json: (value) => {
      progress.hide();
      stdout.write(`${escapedJson(JSON.stringify(value))}\n`);
    },
    bytes: async (bytes) => {
      const error = await write(bytes);
      if (error !== null) throw notWritten(error);
    },
    flush: async () => {
      await write(new Uint8Array());
      if (lost !== null) throw notWritten(lost);
    },
    note: (text) => {
      progress.hide();
      stderr.write(`${shown(text.replaceAll(/\s*\n\s*/g, " "))}\n`);
    },
    progress: (doing) => progress.show(doing),
    makeWay: () => progress.hide(),
    style: (style, text) => (isColour ? styleText(style, text, { validateStream: false }) : text),
  };
}

const lossReasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EPIPE: "its reader has gone",
};

function notWritten(error: NodeJS.ErrnoException): ScbError {
  const reason = lossReasons[error.code ?? ""] ?? error.code ?? error.message;
  return new ScbError("io", `some of the output couldn't be written to stdout: ${reason}`, {
    cause: error,
  });
}

/** The last safeguard: foreign text is already sanitised where it enters. Keeps what `style` adds. */
function printableButStyles(text: string): string {
  return text
    .split(ownStyle)
    .map((part, at) => (at % 2 === 1 ? part : printable(part)))
    .join("");
}

/** The codes that `styleText` writes for a `Style`; none of them can hide text. */
const ownStyle = new RegExp(`(${String.fromCharCode(0x1b)}\\[(?:1|2|22|31|32|33|39)m)`);

/** Escapes everything but printable ASCII in text that a peer chose. */
export function escaped(text: string): string {
  return [...text]
    .map((char) => {
      const code = char.codePointAt(0) ?? 0;
      const isPlain = code >= 0x20 && code < 0x7f && char !== "\\";
      if (isPlain) return char;
      return code < 0x100
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u{${code.toString(16)}}`;
    })
    .join("");
}

/** Columns padded to their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

export { formatAge, formatSize } from "./format.ts";
