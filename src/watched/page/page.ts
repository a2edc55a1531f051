import { createHash } from "node:crypto";
import { Html, html } from "../../runtime/html.ts";
import type { Answer } from "../http-server.ts";
import { ageMs, type Moment, wallTimeOf } from "../moment.ts";
import type { Watched } from "../record.ts";
import { historyChart, latencyChart } from "./charts.ts";
import {
  actionSection,
  drillSection,
  icon,
  lately,
  nodeSection,
  proofText,
  refusalSection,
  storeSection,
} from "./sections.ts";
import { style } from "./style.ts";
import { capitalised, dateText, span } from "./words.ts";

export const refreshSeconds = 15;

const styleHash = createHash("sha256").update(style).digest("base64");
/** The page may load nothing. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const headlines = { safe: "Safe", unsafe: "Not safe", unknown: "Not known" } as const;
const iconColours = { safe: "1a7f4b", unsafe: "c0271d", unknown: "b87700" } as const;

/**
 * The page for people. It has no script and loads nothing. A header makes it refresh, not its markup, so that
 * readers whom that disturbs can turn it off.
 */
export function pageAnswer(watched: Watched, now: Moment, query: URLSearchParams): Answer {
  const isPaused = query.get("refresh") === "off" || watched.isStopped;
  return {
    status: 200,
    type: "text/html; charset=utf-8",
    body: pageHtml(watched, now, isPaused).text,
    headers: {
      "content-security-policy": pagePolicy,
      ...(isPaused ? {} : { refresh: String(refreshSeconds) }),
    },
  };
}

/** A dot in the colour of the verdict. */
export function faviconOf(verdict: keyof typeof iconColours): string {
  return `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='4' fill='%23${iconColours[verdict]}'/%3E%3C/svg%3E`;
}

function pageHtml(watched: Watched, now: Moment, isPaused: boolean): Html {
  const { verdict: told, node, stores, version, startedAt } = watched;
  const { verdict } = told;
  const name = node ?? "a node that isn't known yet";
  const favicon = faviconOf(verdict);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${headlines[verdict]}: ${short(name)} - scb-mirror</title>
<link rel="icon" href="${favicon}">
<style>${new Html(style)}</style>
</head>
<body class="${verdict}">
<header>
<div class="inner">
<p class="brand">scb-mirror</p>
<div class="headline">${icon(verdict)}<div>
<h1>${headlines[verdict]}</h1>
<p class="lead">${lead(watched, now)}</p>
</div></div>
<p class="meta"><span>Node <span class="mono">${name}</span></span> <span>${headlines[verdict]} for ${span(ageMs(told.since, now))}, since ${dateText(wallTimeOf(told.since, now), now)}</span></p>
</div>
</header>
<main class="inner">
${actionSection(watched)}
<div class="${stores.size % 2 === 0 ? "cards pairs" : "cards"}">
${[...stores.values()].map((store) => storeSection(store, now))}
${nodeSection(watched, now)}
${drillSection(watched, now)}
${refusalSection(watched, now)}
${pastSections(watched, now)}
</div>
</main>
<footer class="inner">
<p>As of ${dateText(now.wallMs, now)}. ${refreshText(watched, isPaused)}</p>
<p>scb-mirror ${version}, running for ${span(ageMs(startedAt, now))}. For programs: <a href="/status.json">status.json</a>, <a href="/metrics">metrics</a>, <a href="/readyz">readyz</a>.</p>
</footer>
</body>
</html>
`;
}

/** What has happened. Null if nothing has. */
function pastSections(watched: Watched, now: Moment): Html | null {
  const { timeline } = watched;
  if (timeline.length === 0) return null;
  return html`<section class="card wide"><h2>Channels and versions</h2>${historyChart(timeline, now)}</section>
<section class="card wide"><h2>From event to commit</h2>${latencyChart(timeline)}</section>
<section class="card wide"><h2>Lately</h2>${lately(watched, now)}</section>`;
}

function lead(watched: Watched, now: Moment): Html {
  const { verdict: told, stores, waiting } = watched;
  const proof = proofText(watched, now);
  const suffix = proof === null ? null : html`, ${proof}`;
  if (watched.isStopped) return html`The mirror has stopped. This is what it last knew.`;
  if (told.verdict === "safe") {
    const where = stores.size === 1 ? "The store holds" : "The stores hold";
    return html`${where} the node's state${suffix}.`;
  }
  const [first] = told.findings;
  if (told.verdict === "unsafe")
    return html`${capitalised(first?.message ?? "Something is wrong")}.`;
  const since =
    waiting === null
      ? null
      : html` Waiting for ${waiting.subject} for ${span(now.wallMs - waiting.sinceMs)}.`;
  return html`${capitalised(first?.message ?? "Something necessary wasn't seen")}.${since}`;
}

function refreshText({ isStopped }: Watched, isPaused: boolean): Html | null {
  if (isStopped) return null;
  return isPaused
    ? html`This page stays as it is. <a href="/">Refresh it every ${refreshSeconds} seconds</a>`
    : html`This page refreshes itself every ${refreshSeconds} seconds. <a href="/?refresh=off">Stop that</a>`;
}

/** A public key is 66 digits. */
function short(name: string): string {
  return name.length > 24 ? `${name.slice(0, 8)}…${name.slice(-6)}` : name;
}
