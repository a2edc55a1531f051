import { hasCode, ScbError } from "../../runtime/error.ts";
import { httpRequest } from "./http-request.ts";
import type { Receiver } from "./receiver.ts";

/** How much of a body the service keeps. Source: healthchecks.io's Pinging API. */
const mostCharacters = 100_000;

/** Whether the service has the whole interface: healthchecks.io, hosted or self-hosted. */
function knowsAll({ hostname, pathname }: URL): boolean {
  return hostname.endsWith("hc-ping.com") || /\/ping\//.test(pathname);
}

/** How a service answers to a part of the interface that it lacks. */
const unknownPart = /status (?:404|405|501)\b/;

/**
 * A service that raises the alarm when it hears nothing. Source: healthchecks.io's Pinging API, which other
 * services have too: `GET URL`, `POST URL/fail`, `POST URL/log`.
 */
export class HeartbeatService implements Receiver {
  /** For people: holds no secret. */
  readonly name: string;
  readonly #url: URL;

  constructor(url: URL) {
    this.#url = url;
    this.name = `heartbeat at ${url.host}`;
  }

  /** All is well. */
  async ping(signal: AbortSignal): Promise<string> {
    return known(await httpRequest({ method: "GET", url: this.#url, signal }));
  }

  /** Reports only new problems. The next ping says that they are over. */
  async send({ kind, title, body }: Parameters<Receiver["send"]>[0], signal: AbortSignal) {
    if (kind !== "alert") return "nothing to report";
    try {
      return known(await this.#post("fail", `${title}\n\n${body}`, signal));
    } catch (error) {
      // The missing pings then raise the alarm.
      if (this.#isUnknownPart(error)) return "it has no /fail: only the pings stop";
      throw error;
    }
  }

  /** A test, which doesn't count as a ping or a failure. */
  async log(text: string, signal: AbortSignal): Promise<string> {
    try {
      return known(await this.#post("log", text, signal));
    } catch (error) {
      if (!this.#isUnknownPart(error)) throw error;
      return "it takes no test messages (no /log), so nothing was sent: a ping would mean that all is well";
    }
  }

  #isUnknownPart(error: unknown): boolean {
    return !knowsAll(this.#url) && hasCode(error, "undelivered") && unknownPart.test(error.message);
  }

  #post(part: "fail" | "log", text: string, signal: AbortSignal): Promise<string> {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${part}`;
    const headers = { "content-type": "text/plain; charset=utf-8" };
    return httpRequest({
      method: "POST",
      url,
      headers,
      body: text.slice(0, mostCharacters),
      signal,
    });
  }
}

/** healthchecks.io answers 200 to a UUID that it doesn't know. */
function known(answer: string): string {
  if (!/not found/i.test(answer)) return answer;
  throw new ScbError("undelivered", `it has no such check (${answer}): check the URL`);
}
