import { cpus, loadavg, totalmem } from "node:os";

/** The value below which `part` (0 to 1) of `values` lie, by the nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const middle = values.length / 2;
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The slope of the least-squares line through the points: `y` for one more of `x`. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const rise = points.map(({ x, y }) => (x - meanX) * (y - meanY));
  const run = points.map(({ x }) => (x - meanX) ** 2);
  return mean(rise) / mean(run);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A figure with three significant digits, and its unit. */
export function figure(value: number, unit: string): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(decimals)} ${unit}`;
}

/** What was measured, on what machine, as a table; the first column is left-aligned. */
export function printReport(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): void {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length)),
  );
  const lines = all.map((row) =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
  const load = loadavg()[0]?.toFixed(1);
  const machine = `${cpus().length} cores, ${gib} GiB, load ${load}, Node ${process.version}`;
  process.stdout.write(`\n${title} (${machine})\n\n`);
  for (const line of lines) process.stdout.write(`${line}\n`);
  if (notes.length > 0) process.stdout.write("\n");
  for (const note of notes) process.stdout.write(`${note}\n`);
}
