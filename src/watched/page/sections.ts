import { type Html, html } from "../../runtime/html.ts";
import type { LocatedFinding } from "../events.ts";
import { coverCounts } from "../metrics.ts";
import type { Moment } from "../moment.ts";
import type { TimelineEntry, Watched, WatchedStore } from "../record.ts";
import { commandFor } from "./command.ts";
import { ago, agoWall, capitalised, counted, grouped, shortTime, size } from "./words.ts";

/** A list of facts, without those that aren't known. */
function facts(rows: readonly (readonly [string, Html | string | null])[]): Html {
  const known = rows.filter(([, value]) => value !== null);
  return html`<dl>${known.map(([what, value]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const levelWords = { problem: "Problem", unknown: "Not seen", warning: "Worth knowing" } as const;

/** What is wrong, and what to do about it. Null if nothing is wrong. */
export function actionSection({ verdict, node, source, stores }: Watched): Html | null {
  const { findings } = verdict;
  if (findings.length === 0) return null;
  const where = (store: string | null): Html | null =>
    stores.size < 2 || store === null ? null : html`<p class="where">${store}</p>`;
  const item = (finding: LocatedFinding): Html => html`<li class="${finding.level}">
<h3><span class="level">${levelWords[finding.level]}</span> ${capitalised(finding.message)}</h3>
${where(finding.store)}
<p>${sentence(finding.remedy)}</p>
<pre><code>${commandFor(finding, node, source)}</code></pre>
<p class="code">Code: ${finding.code}</p>
</li>`;
  return html`<section class="action" aria-labelledby="do"><h2 id="do">What to do now</h2><ol>${findings.map(item)}</ol></section>`;
}

function sentence(text: string): string {
  return `${capitalised(text)}${/[.!?]$/.test(text) ? "" : "."}`;
}

const storeWords = {
  safe: "Holds the node's state",
  unsafe: "Not safe",
  unknown: "Not known",
} as const;

export function storeSection(known: WatchedStore, now: Moment): Html {
  const { store, verdict: told, latest, provedAt, trouble, sequence } = known;
  const { verdict } = told;
  const { covered, missing } = coverCounts(known);
  const channels = latest?.channels ?? known.covers?.length ?? null;
  const held =
    latest === null
      ? sequence === 0
        ? "no version yet"
        : `sequence ${sequence}`
      : html`<strong>sequence ${latest.sequence}</strong>, ${channels === null ? "" : `${counted(channels, "channel")}, `}${size(latest.sizeBytes)}`;
  return html`<section class="card">
<h2>${store}</h2>
<p class="state ${verdict}">${icon(verdict)} ${storeWords[verdict]}</p>
${facts([
  ["Current version", held],
  ["Saved", latest && agoWall(latest.committedAt, now)],
  ["Read back", provedAt === null ? "not yet" : ago(provedAt, now)],
  ["Covers", coverText(covered, missing)],
  ["Saved by", latest?.writer ?? null],
  [
    "Trouble",
    trouble && html`<span class="bad">${trouble.message}</span> (since ${ago(trouble.since, now)})`,
  ],
])}
</section>`;
}

function coverText(covered: number | null, missing: number | null): Html | string | null {
  if (covered === null) return "not known: nothing opened it";
  if (missing === null) return counted(covered, "channel");
  if (missing === 0) return `all ${counted(covered, "channel")}`;
  return html`${counted(covered, "channel")}; <strong class="bad">${counted(missing, "channel")} missing</strong>`;
}

export function nodeSection(watched: Watched, now: Moment): Html {
  const { source, nodeTrouble, wasNodeHeard, channels, stores } = watched;
  const isConnected = wasNodeHeard && nodeTrouble === null;
  const state = isConnected ? "safe" : "unknown";
  const words = isConnected ? "Answers" : wasNodeHeard ? "Doesn't answer" : "Not reached yet";
  const limbo = channels?.seen.limbo;
  const limboSat = limbo && [...limbo.values()].reduce((sum, sat) => sum + sat, 0);
  // What every store would bring back.
  const coveredSat = [...stores.values()].reduce<number | null>(
    (least, { cover }) =>
      least === null || cover === null || cover.coveredSat === null
        ? null
        : Math.min(least, cover.coveredSat),
    Infinity,
  );
  return html`<section class="card">
<h2>The node</h2>
<p class="state ${state}">${icon(state)} ${words}</p>
${facts([
  ["Source", source],
  ["Open channels", channels && String(channels.seen.open.size)],
  [
    "In limbo",
    limbo === undefined
      ? null
      : limbo.size === 0
        ? "none"
        : `${counted(limbo.size, "channel")}, ${sats(limboSat ?? 0)}`,
  ],
  ["Covered", coveredSat === null || stores.size === 0 ? null : sats(coveredSat)],
  ["Asked", channels && ago(channels.at, now)],
  [
    "Trouble",
    nodeTrouble &&
      html`<span class="bad">${nodeTrouble.message}</span> (since ${ago(nodeTrouble.since, now)})`,
  ],
])}
</section>`;
}

function sats(amount: number): string {
  return `${grouped(amount)}\u00a0sat`;
}

export function drillSection({ stores }: Watched, now: Moment): Html {
  const drills = [...stores.values()].flatMap(({ store, drill }) =>
    drill === null ? [] : [{ store, drill }],
  );
  const items = drills.map(({ store, drill }) => {
    const state = drill.ok ? "safe" : drill.verdict === "unknown" ? "unknown" : "unsafe";
    const words = drill.ok
      ? "A restore would work"
      : state === "unknown"
        ? "It couldn't find out whether a restore would work"
        : "A restore would fail, or would bring back too little";
    return html`<p class="state ${state}">${icon(state)} ${words}</p>
${facts([
  ["Rehearsed", agoWall(drill.at, now)],
  ["Store", stores.size < 2 ? null : store],
])}`;
  });
  const none = html`<p>No restore has been rehearsed yet. To rehearse one now, run <code>scb-mirror drill</code>.</p>`;
  return html`<section class="card"><h2>The last drill</h2>${items.length === 0 ? none : items}</section>`;
}

/** Null if nothing was refused. */
export function refusalSection({ stores }: Watched, now: Moment): Html | null {
  const all = [...stores.values()].flatMap(({ store, refusals }) =>
    refusals.map((refusal) => ({ store, ...refusal })),
  );
  if (all.length === 0) return null;
  const items = all.toReversed().map(
    ({ store, at, message, quarantineKey }) => html`<li><p>${message}</p>
<p class="where">${ago(at, now)}${stores.size < 2 ? null : `, ${store}`}${quarantineKey === null ? ", not kept" : `, kept as ${quarantineKey}`}</p></li>`,
  );
  return html`<section class="card wide"><h2>Held back</h2><ul class="plain">${items}</ul></section>`;
}

const mostTold = 12;

/** The newest entries, in words. */
export function lately({ timeline, stores }: Watched, now: Moment): Html {
  const entries = timeline.slice(-mostTold).toReversed();
  const items = entries.map(
    (entry) =>
      html`<li class="${kindOf(entry)}"><span>${entryText(entry)}${stores.size < 2 || entry.store === null ? null : html` <span class="where">${entry.store}</span>`}</span> ${ago(entry.at, now)}</li>`,
  );
  return html`<ol class="lately">${items}</ol>`;
}

function kindOf(entry: TimelineEntry): string {
  if (entry.kind === "verdict") return entry.verdict;
  if (entry.kind === "drilled") return entry.ok ? "safe" : "unsafe";
  return entry.kind === "refused" || entry.kind === "lost" ? "unsafe" : "plain";
}

function entryText(entry: TimelineEntry): string {
  switch (entry.kind) {
    case "swapped": {
      const channels = entry.channels === null ? "" : `, ${counted(entry.channels, "channel")}`;
      return `Saved sequence ${entry.sequence}${channels}, in ${shortTime(entry.elapsedMs)}`;
    }
    case "verdict":
      return entry.verdict === "safe"
        ? "Safe"
        : `${entry.verdict === "unsafe" ? "Not safe" : "Not known"}: ${entry.codes.join(", ")}`;
    case "refused":
      return `Held back: ${entry.message}`;
    case "lost":
      return `Lost: ${entry.message}`;
    case "drilled":
      return entry.ok ? "Drill: a restore would work" : "Drill: a restore is not known to work";
    case "started":
      return "Started";
    case "stopped":
      return "Stopped";
  }
}

/** Recognisable by its shape, not only by its colour. */
export function icon(verdict: keyof typeof storeWords): Html {
  const shapes = {
    safe: html`<path d="M7 12.5l3.5 3.5L17 9"/>`,
    unsafe: html`<path d="M12 6.5v7M12 17h0"/>`,
    unknown: html`<path d="M9 9.5a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8M12 17.5h0"/>`,
  };
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>${shapes[verdict]}</svg>`;
}

/** The age of the oldest proof; null if a store hasn't been read back yet. */
export function proofText({ stores }: Watched, now: Moment): Html | null {
  const proofs = [...stores.values()].map(({ provedAt }) => provedAt);
  const [oldest] = proofs
    .flatMap((proof) => (proof === null ? [] : [proof]))
    .toSorted((a, b) => a.monotonicMs - b.monotonicMs);
  if (oldest === undefined || proofs.includes(null)) return null;
  return html`read back ${ago(oldest, now)}`;
}
