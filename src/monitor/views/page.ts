import { Html, html } from "../../runtime/html.ts";
import type { Answer } from "../../watched/http-server.ts";
import { ageMs, type Moment, wallTimeOf } from "../../watched/moment.ts";
import { commandFor } from "../../watched/page/command.ts";
import { faviconOf, headlines, pagePolicy, refreshSeconds } from "../../watched/page/page.ts";
import { icon } from "../../watched/page/sections.ts";
import { style } from "../../watched/page/style.ts";
import { ago, agoWall, capitalised, counted, dateText, span } from "../../watched/page/words.ts";
import type { NodeReport } from "../monitor.ts";
import { type NodesWatched, verdictAt, worstFirst } from "./record.ts";

/** A page with more would be slow to read and to load. */
const mostShown = 200;

/** The page for people: every node, worst first. Like the page of one mirror, it has no script. */
export function nodesPage(watched: NodesWatched, now: Moment, query: URLSearchParams): Answer {
  const isPaused = query.get("refresh") === "off";
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

function pageHtml(watched: NodesWatched, now: Moment, isPaused: boolean): Html {
  const { last, version, startedAt } = watched;
  const verdict = verdictAt(watched, now);
  const nodes = worstFirst(last?.round.nodes ?? []);
  const shown = nodes.slice(0, mostShown);
  const hidden = nodes.length - shown.length;
  const refresh = isPaused
    ? html`This page stays as it is. <a href="/">Refresh it every ${refreshSeconds} seconds</a>`
    : html`This page refreshes itself every ${refreshSeconds} seconds. <a href="/?refresh=off">Stop that</a>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${headlines[verdict]}: ${counted(nodes.length, "node")} - scb-mirror</title>
<link rel="icon" href="${faviconOf(verdict)}">
<style>${new Html(style)}</style>
</head>
<body class="${verdict}">
<header>
<div class="inner">
<p class="brand">scb-mirror watch</p>
<div class="headline">${icon(verdict)}<div>
<h1>${headlines[verdict]}</h1>
<p class="lead">${lead(nodes)}</p>
</div></div>
<p class="meta">${last === null ? html`<span>Nothing has been checked yet</span>` : html`<span>Checked ${ago(last.at, now)}, in ${span(last.round.tookMs)}</span>`}</p>
</div>
</header>
<main class="inner">
${(last?.round.away ?? []).map(({ store, error }) => html`<p class="bad">${store} doesn't answer: ${error.message}</p>`)}
<div class="cards">
${shown.map((report) => nodeCard(report, watched, now))}
</div>
${hidden > 0 ? html`<p class="empty">And ${counted(hidden, "more node")}, none worse than these: see <a href="/status.json">status.json</a>.</p>` : null}
</main>
<footer class="inner">
<p>As of ${dateText(now.wallMs, now)}. ${refresh}</p>
<p>scb-mirror ${version}, watching for ${span(ageMs(startedAt, now))}. For programs: <a href="/status.json">status.json</a>, <a href="/metrics">metrics</a>, <a href="/readyz">readyz</a>.</p>
</footer>
</body>
</html>
`;
}

function lead(nodes: readonly NodeReport[]): string {
  const count = (verdict: NodeReport["verdict"]): number =>
    nodes.filter((node) => node.verdict === verdict).length;
  if (nodes.length === 0) return "No node's backups have been seen yet.";
  if (count("safe") === nodes.length) return `${counted(nodes.length, "node")}, all safe.`;
  const parts = [
    [count("unsafe"), "not safe"],
    [count("unknown"), "not known"],
    [count("safe"), "safe"],
  ] as const;
  const texts = parts.filter(([found]) => found > 0).map(([found, word]) => `${found} ${word}`);
  return `${counted(nodes.length, "node")}: ${texts.join(", ")}.`;
}

function nodeCard(report: NodeReport, { since }: NodesWatched, now: Moment): Html {
  const { node, verdict, findings, latest, readBackAt } = report;
  const from = since.get(node);
  const lasting =
    from === undefined
      ? null
      : html` for ${span(ageMs(from, now))}, since ${dateText(wallTimeOf(from, now), now)}`;
  const items = findings
    .filter(({ level }) => level !== "warning")
    .map(
      (finding) => html`<p>${capitalised(finding.message)}: ${finding.remedy}.</p>
<pre><code>${commandFor(finding, node, null)}</code></pre>`,
    );
  return html`<section class="card ${verdict}${items.length > 0 ? " wide" : ""}"><h2 class="mono">${node}</h2>
<p class="state">${headlines[verdict]}${lasting}</p>
${items}
<dl>
${latest === null ? null : html`<div><dt>Current</dt><dd>sequence ${latest.sequence}, saved ${agoWall(Date.parse(latest.committedAt), now)}</dd></div>`}
${readBackAt === null ? null : html`<div><dt>Read back</dt><dd>${agoWall(readBackAt, now)}</dd></div>`}
</dl></section>`;
}
