import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

/** One page of a printed document. */
export interface PrintedPage {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Red, green, blue, a byte each, row by row. */
  readonly rgb: Uint8Array;
}

export interface Printed {
  readonly pages: readonly PrintedPage[];
  /** All that a reader can see, as the PDF has it. */
  readonly text: string;
}

const commands = [
  ["chromium", "--version"],
  ["pdftoppm", "-v"],
  ["pdftotext", "-v"],
] as const;

/**
 * Makes sure that a page can be printed: Chromium, and poppler's tools to look at the result. Installs
 * Debian's where `install` is true, which by default only CI wants. Throws PeerUnavailable.
 */
export async function provisionBrowser(
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  if (await isThere()) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!install || !canInstall) {
    throw new PeerUnavailable(
      `Chromium or poppler is missing. Install them, or let "npm run peers -- browser" install Debian's`,
    );
  }
  progress("browser: installing Debian's chromium and poppler-utils");
  await installDebian(["chromium", "poppler-utils", "fonts-dejavu-core", "fonts-liberation"]);
}

async function isThere(): Promise<boolean> {
  try {
    for (const [command, arg] of commands) await runCommand(command, [arg], { timeoutMs: 30_000 });
    return true;
  } catch {
    return false;
  }
}

/** Prints an HTML file as a person would, on this paper, and examines the sheets. */
export async function printPage(
  html: string,
  { paper, dpi = 150 }: { readonly paper: "A4" | "Letter"; readonly dpi?: number },
): Promise<Printed> {
  const folder = await mkdtemp(join(tmpdir(), "scb-print-"));
  try {
    const [page, pdf] = [join(folder, "page.html"), join(folder, "page.pdf")];
    // A print dialogue chooses the paper; on the command line only the page itself can.
    await writeFile(page, html.replace("</head>", `<style>@page{size:${paper}}</style></head>`));
    const flags = [
      ...["--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"],
      // A test's machine may have no user namespaces, and be root; the page is our own.
      ...["--no-sandbox", `--user-data-dir=${join(folder, "profile")}`, `--print-to-pdf=${pdf}`],
    ];
    await runCommand("chromium", [...flags, pathToFileURL(page).href], { timeoutMs: 120_000 });
    const text = await runCommand("pdftotext", [pdf, "-"], { timeoutMs: 30_000 });
    await runCommand("pdftoppm", ["-r", String(dpi), pdf, join(folder, "sheet")], {
      timeoutMs: 60_000,
    });
    const pages: PrintedPage[] = [];
    for (let number = 1; existsSync(join(folder, `sheet-${number}.ppm`)); number++) {
      pages.push(readPpm(await readFile(join(folder, `sheet-${number}.ppm`))));
    }
    return { pages, text };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Binary PPM, as pdftoppm writes it: `P6`, width, height, 255, then the bytes. */
function readPpm(bytes: Buffer): PrintedPage {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 64).toString("latin1"));
  if (header === null) throw new Error("not a PPM");
  const rgb = bytes.subarray(header[0].length);
  return { widthPx: Number(header[1]), heightPx: Number(header[2]), rgb };
}
