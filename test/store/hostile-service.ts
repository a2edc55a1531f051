import assert from "node:assert/strict";
import { it } from "node:test";
import { inspect } from "node:util";
import type { ErrorCode } from "../../src/runtime/error.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { collect, encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { pageAnswer, redirectAnswer } from "../peers/hostile-answers.ts";
import type { Answer, HostileS3 } from "../peers/hostile-s3.ts";

const hostileCalls = ["get", "head", "put", "replace", "list", "listFolders", "delete"] as const;
export type HostileCall = (typeof hostileCalls)[number];

/** What a service answers, and what a store must make of it. */
export interface HostileCase {
  readonly name: string;
  readonly answer: Answer;
  /** Default: all. */
  readonly calls?: readonly HostileCall[];
  /** Default: store-unknown. */
  readonly code?: ErrorCode;
  readonly says: RegExp;
}

/** What answers in the place of a store of any kind. `notOurs` is what is said of a page. */
export function strangers(notOurs: RegExp): readonly HostileCase[] {
  return [
    { name: "a login page with 200", answer: pageAnswer(200), says: notOurs },
    ...[201, 202, 400, 401, 403, 404, 405, 409, 412, 413, 429, 451, 500, 502, 503].map(
      (status): HostileCase => ({
        name: `a proxy's own page with ${status}`,
        answer: pageAnswer(status),
        // An answer to HEAD has no page in it, and S3Store asks anew with GET only below 500.
        calls: status < 500 ? hostileCalls : hostileCalls.filter((call) => call !== "head"),
        code: status === 429 || status === 503 ? "store-busy" : "store-unknown",
        says: notOurs,
      }),
    ),
    ...[301, 302, 303, 307, 308].map((status) => ({
      name: `a redirect (${status}) with credentials and a query`,
      answer: redirectAnswer(status, "https://user:hushhush@login.example:8443/x?token=hushhush"),
      says: /redirect \(status \d+\) to https:\/\/login\.example:8443: nothing is sent there/,
    })),
    {
      name: "nginx's 301 to https",
      answer: redirectAnswer(301, "https://127.0.0.1/bucket"),
      says: /redirect \(status 301\) to https:\/\/127\.0\.0\.1: use https:\/\/127\.0\.0\.1 as the endpoint/,
    },
    { name: "a redirect that names no place", answer: pageAnswer(302), says: /without a target/ },
    {
      name: "a redirect to a place that is none",
      answer: redirectAnswer(302, "http://[hushhush"),
      says: /without a target/,
    },
    { name: "no answer", answer: () => undefined, says: /in time/ },
  ];
}

/** The request that a call is. `etag` is the one that a replace asks for. */
export function callStore(store: ObjectStore, call: HostileCall, etag: string): Promise<unknown> {
  switch (call) {
    case "get":
    case "head":
    case "delete":
      return store[call]("a");
    case "put":
      return store.put("a", encode("x"), { condition: { kind: "absent" } });
    case "replace":
      return store.put("a", encode("x"), { condition: { kind: "match", etag } });
    case "list":
    case "listFolders":
      return collect<unknown>(store[call](""));
  }
}

export interface HostileGround {
  readonly server: HostileS3;
  readonly run: (call: HostileCall) => Promise<unknown>;
}

/** Registers a test of each case. No error may hold a secret, however it is printed. */
export function itWithstands(
  cases: readonly HostileCase[],
  holdsSecret: (text: string) => boolean,
  ground: () => HostileGround,
): void {
  for (const { name, answer, calls = hostileCalls, code = "store-unknown", says } of cases) {
    it(`takes ${name} for ${code}`, async () => {
      const { server, run } = ground();
      server.requests.length = 0;
      server.answer = answer;
      for (const call of calls) {
        const error = await rejectsWith(code, run(call));
        assert.match(error.message, says, call);
        const shown = inspect(error, { depth: null, showHidden: true });
        assert.ok(!holdsSecret(shown) && !/hushhush/.test(shown), `${call}: ${shown}`);
      }
      const places = new Set(server.requests.map(({ headers }) => headers.host));
      assert.deepEqual([...places], [`127.0.0.1:${server.port}`]);
    });
  }
}
