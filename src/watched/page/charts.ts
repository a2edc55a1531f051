import { type Html, html } from "../../runtime/html.ts";
import { ageMs, type Moment } from "../moment.ts";
import type { TimelineEntry } from "../record.ts";
import { counted, dateText, shortTime, span } from "./words.ts";

/**
 * Charts are drawn in a box that the page stretches to its width. Strokes keep their width, so a dot is
 * drawn as a stroke of zero length.
 */
const width = 1000;
const height = 100;

type Saved = Extract<TimelineEntry, { kind: "swapped" }>;

/** The channels over time, with a dot for each version, and the verdict below. */
export function historyChart(timeline: readonly TimelineEntry[], now: Moment): Html {
  const [first] = timeline;
  if (first === undefined) return html`<p class="empty">Nothing has happened yet.</p>`;
  const lastsMs = Math.max(1000, ageMs(first.at, now));
  const x = (entry: TimelineEntry): number => round(width * (1 - ageMs(entry.at, now) / lastsMs));
  const saved = timeline.filter((entry) => entry.kind === "swapped");
  const known = saved.filter(({ channels }) => channels !== null);
  const most = Math.max(1, ...known.map(({ channels }) => channels ?? 0));
  const y = ({ channels }: Saved): number =>
    round(height - 8 - ((channels ?? 0) / most) * (height - 16));
  const alarms = timeline.filter(({ kind }) => kind === "refused" || kind === "lost");
  const line = stepLine(known.map((entry) => [x(entry), y(entry)]));
  const dots = known.map((entry) => `M${x(entry)} ${y(entry)}h0`).join("");
  const marks = alarms.map((entry) => `M${x(entry)} 4V${height}`).join("");
  const last = known.at(-1);
  const label = [
    `Over the last ${span(lastsMs)}: ${counted(saved.length, "version")} saved`,
    ...(last === undefined ? [] : [`${counted(last.channels ?? 0, "channel")} in the newest`]),
    ...(alarms.length === 0 ? [] : [`${counted(alarms.length, "alarm")}`]),
  ].join(", ");
  return html`<figure>
<div class="plot"><span class="high">${known.length === 0 ? "" : counted(most, "channel")}</span>
${picture(
  label,
  html`<path class="area" d="${line === "" ? "" : `${line}V${height}H${known[0] === undefined ? 0 : x(known[0])}Z`}"/><path class="line" d="${line}"/><path class="dots" d="${dots}"/><path class="alarms" d="${marks}"/>`,
)}
${verdictRibbon(timeline, x)}</div>
<div class="axis"><span>${dateText(now.wallMs - lastsMs, now)}</span><span>now</span></div>
<figcaption>${label}.</figcaption>
</figure>`;
}

/** Each value holds until the next one, and the last one until now. */
function stepLine(points: readonly (readonly [number, number])[]): string {
  const [first, ...others] = points;
  if (first === undefined) return "";
  return `M${first[0]} ${first[1]}${others.map(([x, y]) => `H${x}V${y}`).join("")}H${width}`;
}

function verdictRibbon(
  timeline: readonly TimelineEntry[],
  x: (entry: TimelineEntry) => number,
): Html {
  const told = timeline.filter((entry) => entry.kind === "verdict");
  const bands = told.map((entry, at) => {
    const next = told[at + 1];
    const end = next === undefined ? width : x(next);
    const wide = Math.max(1, round(end - x(entry)));
    return html`<rect class="${entry.verdict}" x="${x(entry)}" y="0" width="${wide}" height="10"/>`;
  });
  const words = told.map(({ verdict }) => verdict);
  const label = `The verdict over the same time: ${words.length === 0 ? "not known" : words.slice(-6).join(", then ")}`;
  return html`<svg class="ribbon" viewBox="0 0 ${width} 10" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="unknown" x="0" y="0" width="${width}" height="10"/>${bands}</svg>`;
}

const mostBars = 60;
const fewestSlots = 24;
const promisedMs = 2000;

/** How long the last swaps took from event to commit, on a logarithmic scale. */
export function latencyChart(timeline: readonly TimelineEntry[]): Html {
  const saved = timeline.filter((entry) => entry.kind === "swapped").slice(-mostBars);
  if (saved.length === 0) return html`<p class="empty">No backup has been saved yet.</p>`;
  const sorted = saved.map(({ elapsedMs }) => elapsedMs).toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const slowest = sorted.at(-1) ?? 0;
  const label = `The last ${counted(saved.length, "swap")}: half of them took ${shortTime(median)} or less, the slowest ${shortTime(slowest)}`;
  const yOf = logScale(Math.max(1.5 * promisedMs, slowest));
  const slots = Math.max(fewestSlots, saved.length);
  const slot = width / slots;
  const bars = saved.map(({ elapsedMs }, at) => {
    const top = yOf(elapsedMs);
    const left = round((slots - saved.length + at + 0.15) * slot);
    const barClass = elapsedMs > promisedMs ? "bar slow" : "bar";
    return html`<rect class="${barClass}" x="${left}" y="${top}" width="${round(slot * 0.7)}" height="${round(height - top)}"/>`;
  });
  return html`<figure>
<div class="plot">
${picture(label, html`${bars}<path class="limit" d="M0 ${yOf(promisedMs)}H${width}"/>`)}</div>
<div class="axis"><span>The dotted line is 2 s</span><span>latest</span></div>
<figcaption>${label}.</figcaption>
</figure>`;
}

/** From 5 ms at the bottom to `mostMs` at the top. Smaller values still show. */
function logScale(mostMs: number): (ms: number) => number {
  const [low, high] = [Math.log10(5), Math.log10(mostMs)];
  return (ms) => {
    const share = (Math.log10(Math.max(ms, 1)) - low) / (high - low);
    return round(height * (1 - Math.max(0.04, share)));
  };
}

function picture(label: string, content: Html): Html {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">${content}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
