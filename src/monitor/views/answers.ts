import { escapedJson } from "../../runtime/foreign-text.ts";
import { answersBy, type Views } from "../../watched/answers.ts";
import { type Answering, plain } from "../../watched/http-server.ts";
import { metricsContentType } from "../../watched/metrics.ts";
import type { Moment } from "../../watched/moment.ts";
import { nodesMetrics } from "./metrics.ts";
import { nodesPage } from "./page.ts";
import { nodesReadiness } from "./readiness.ts";
import type { NodesWatched } from "./record.ts";
import { nodesStatus } from "./status.ts";

/** What is known about the watched nodes, and when. */
export interface NodesAsked {
  readonly watched: NodesWatched;
  readonly now: Moment;
}

const views: Views<NodesAsked> = {
  "/": async ({ watched, now }, query) => nodesPage(watched, now, query),
  "/healthz": async () => plain(200, "ok"),
  "/readyz": async ({ watched, now }) => {
    const { isReady, text } = nodesReadiness(watched, now);
    return { status: isReady ? 200 : 503, type: "text/plain; charset=utf-8", body: text };
  },
  "/metrics": async ({ watched, now }) => ({
    status: 200,
    type: metricsContentType,
    body: await nodesMetrics(watched, now),
  }),
  "/status.json": async ({ watched }) => ({
    status: 200,
    type: "application/json; charset=utf-8",
    body: `${escapedJson(JSON.stringify(nodesStatus(watched.last?.round.nodes ?? [])))}\n`,
  }),
};

/** Serves the nodes' views. */
export function nodesAnswers(look: () => NodesAsked): Answering {
  return answersBy(views, look, ({ watched }) => watched);
}
