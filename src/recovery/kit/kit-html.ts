import { encodeQR } from "qr";
import { escapeHtml } from "../../runtime/html.ts";
import type { Kit } from "./kit.ts";
import type { KitBlock, KitSection } from "./kit-facts.ts";

/**
 * The page as HTML that prints on one sheet, A4 or Letter. It loads nothing: style and QR code are inline,
 * and there is no script.
 */
export function kitToHtml(kit: Kit): string {
  const facts = kit.facts.map(
    ([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const blanks = kit.blanks.map(
    (label) => `<p class="blank"><span>${escapeHtml(label)}</span></p>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`${kit.title}: ${kit.facts[0]?.[1] ?? ""}`)}</title>
<style>${style}</style>
</head>
<body${densityOf(kit)}>
<header>
<div>
<h1>${escapeHtml(kit.title)}</h1>
<dl>${facts.join("\n")}</dl>
${blanks.join("\n")}
</div>
<figure>${qrSvg(kit.address)}<figcaption>the address of the backups</figcaption></figure>
</header>
<main>
${kit.sections.map(sectionHtml).join("\n")}
</main>
<footer>${escapeHtml(kit.footer)}</footer>
</body>
</html>
`;
}

/** Long names and extra warnings would need a second sheet; smaller type makes room. */
function densityOf({ facts, sections }: Kit): string {
  const long = facts.flat().join("").length;
  const heights = sections.flatMap(({ blocks }) =>
    blocks.map((block) => (block.kind === "text" ? block.text.length : commandHeight(block.lines))),
  );
  const height = heights.reduce((sum, one) => sum + one, long);
  if (height <= mostCharacters) return "";
  return height <= mostCharactersDense ? ' class="dense"' : ' class="densest"';
}

/** In characters of text. A partly filled line of a command counts as a full one. */
function commandHeight(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Math.ceil(line.length / lineLength) * lineLength, 0);
}

const lineLength = 110;
const mostCharacters = 3_350;
const mostCharactersDense = 4_450;

function sectionHtml({ title, blocks }: KitSection): string {
  return `<section><h2>${escapeHtml(title)}</h2>\n${blocks.map(blockHtml).join("\n")}</section>`;
}

function blockHtml(block: KitBlock): string {
  if (block.kind === "text") return `<p>${escapeHtml(block.text)}</p>`;
  return `<pre>${block.lines.map(escapeHtml).join("\n")}</pre>`;
}

/** Black squares on white, as one path, with the quiet zone of four squares that scanners need. */
function qrSvg(content: string): string {
  const rows = encodeQR(content, "raw", { ecc: "medium", border: 4 });
  const squares = rows.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  return `<svg viewBox="0 0 ${rows.length} ${rows.length}" role="img" aria-label="QR code of the address" shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/><path d="${squares.join("")}"/></svg>`;
}

const style = `
@page { margin: 10mm 12mm }
* { box-sizing: border-box; margin: 0 }
body { font: 9pt/1.32 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; color: #000; background: #fff; max-width: 184mm; margin: 0 auto; padding: 4mm }
header { display: flex; gap: 6mm; align-items: flex-start; border-bottom: .4mm solid #000; padding-bottom: 2.5mm }
header > div { flex: 1; min-width: 0 }
h1 { font-size: 15pt; line-height: 1.15; margin-bottom: 2mm }
h2 { font-size: 10pt; margin: 2.4mm 0 .6mm }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3mm 3mm }
dt { font-weight: bold }
dd { overflow-wrap: anywhere }
.blank { display: flex; margin-top: 2.2mm }
.blank::after { content: ""; flex: 1; border-bottom: .25mm solid #000; margin-left: 2mm }
figure { width: 38mm; text-align: center; font-size: 7.5pt }
svg { display: block; width: 38mm; height: 38mm }
p { margin-top: .5mm }
pre { font: 8pt/1.32 "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; background: #f1f1f1; border-left: .8mm solid #000; padding: .6mm 2mm; margin: .7mm 0; print-color-adjust: exact; -webkit-print-color-adjust: exact }
pre { break-inside: avoid }
.dense { font-size: 8pt; line-height: 1.25 }
.dense h1 { font-size: 13pt; margin-bottom: 1mm }
.dense h2 { font-size: 9pt; margin-top: 1.6mm }
.dense pre { font-size: 7.2pt; line-height: 1.25 }
.densest { font-size: 7pt; line-height: 1.2 }
.densest h1 { font-size: 11pt; margin-bottom: .6mm }
.densest h2 { font-size: 8pt; margin-top: 1mm }
.densest pre { font-size: 6.4pt; line-height: 1.2; padding: .3mm 2mm; margin: .4mm 0 }
.densest figure, .densest svg { width: 34mm; height: auto }
footer { margin-top: 2.5mm; border-top: .4mm solid #000; padding-top: 1.2mm; font-size: 8pt }
@media print { body { padding: 0; max-width: none } }
`.replaceAll("\n", "");
