import { escapedJson } from "../runtime/foreign-text.ts";
import type { Answer, Answering } from "./http-server.ts";
import { plain } from "./http-server.ts";
import { metricsContentType, metricsText, type SwapDurations } from "./metrics.ts";
import type { Moment } from "./moment.ts";
import { pageAnswer } from "./page/page.ts";
import { readiness } from "./readiness.ts";
import type { Watched } from "./record.ts";
import { watchedStatus } from "./status.ts";

/** What a view is made from: what is known about the mirror, and when. */
export interface Asked {
  readonly watched: Watched;
  readonly now: Moment;
  readonly durations: SwapDurations;
}

/** What is served, by path. */
export type Views<A> = Readonly<
  Record<string, (asked: A, query: URLSearchParams) => Promise<Answer>>
>;

const views: Views<Asked> = {
  "/": async ({ watched, now }, query) => pageAnswer(watched, now, query),
  "/healthz": async () => plain(200, "ok"),
  "/readyz": async ({ watched }) => {
    const { isReady, text } = readiness(watched);
    return { status: isReady ? 200 : 503, type: "text/plain; charset=utf-8", body: text };
  },
  "/metrics": async ({ watched, now, durations }) => ({
    status: 200,
    type: metricsContentType,
    body: await metricsText(watched, now, durations),
  }),
  "/status.json": async ({ watched, now }) => ({
    status: 200,
    type: "application/json; charset=utf-8",
    body: `${escapedJson(JSON.stringify(watchedStatus(watched, now)))}\n`,
  }),
};

/** The page has two forms; any other query changes nothing. */
function formOf(path: string, query: URLSearchParams): string {
  return `${path}?${path === "/" && query.get("refresh") === "off"}`;
}

/** Serves a mirror's views: see `answersBy`. */
export function answersOf(look: () => Asked): Answering {
  return answersBy(views, look, ({ watched }) => watched);
}

/**
 * Each path is a view of the present record. No request waits for anything, so a store that hangs delays no
 * answer. Each view is made at most once a second and whenever the record has changed, however many
 * requests come.
 */
export function answersBy<A extends { readonly now: Moment }>(
  served: Views<A>,
  look: () => A,
  recordOf: (asked: A) => unknown,
): Answering {
  const made = new Map<
    string,
    { readonly of: unknown; readonly atSecond: number; readonly answer: Promise<Answer> }
  >();
  return (path, query) => {
    const view = Object.hasOwn(served, path) ? served[path] : undefined;
    if (view === undefined) return Promise.resolve(null);
    const asked = look();
    const record = recordOf(asked);
    const atSecond = Math.floor(asked.now.monotonicMs / 1000);
    const form = formOf(path, query);
    const known = made.get(form);
    if (known !== undefined && known.of === record && known.atSecond === atSecond) {
      return known.answer;
    }
    const answer = view(asked, query);
    made.set(form, { of: record, atSecond, answer });
    return answer;
  };
}
