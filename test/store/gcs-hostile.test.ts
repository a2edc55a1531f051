import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { collect, encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { endlessAnswer, errorAnswer, pageAnswer } from "../peers/hostile-answers.ts";
import { type Answer, HostileS3 } from "../peers/hostile-s3.ts";
import {
  callStore,
  type HostileCall,
  type HostileCase,
  itWithstands,
  strangers,
} from "./hostile-service.ts";

const notGcs = /is not Google Cloud Storage: check the endpoint, or the proxy/;

function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return pageAnswer(status, { type: "application/json", body: JSON.stringify(body), headers });
}

function refusal(status: number, reason: string, message = "said by the store"): Answer {
  return json(status, { error: { code: status, message, errors: [{ reason }] } });
}

const object = {
  kind: "storage#object",
  bucket: "bucket",
  name: "pre/a",
  generation: "7",
  size: "1",
  updated: new Date(0).toISOString(),
};

/** What a GET of an object is answered with. */
function objectAnswer(body: string, headers: Record<string, string | undefined> = {}): Answer {
  return (_asked, response) => {
    const all = {
      "content-type": "application/octet-stream",
      "content-length": String(body.length),
      "x-goog-generation": "7",
      "last-modified": new Date(0).toUTCString(),
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.end(body);
  };
}

function listing(more: object): Answer {
  return json(200, { kind: "storage#objects", ...more });
}

const item = (name: string) => ({ name, size: "1", updated: new Date(0).toISOString() });

const cases: readonly HostileCase[] = [
  ...strangers(notGcs),
  {
    name: "JSON of somebody else's with 200",
    answer: json(200, { ok: true }),
    says: notGcs,
  },
  {
    name: "200 with nothing",
    answer: (_asked, response) => void response.end(),
    calls: ["get", "head", "put", "list", "listFolders"],
    says: notGcs,
  },
  {
    name: "an error that is another status's",
    answer: json(412, { error: { code: 404, message: "no" } }),
    says: notGcs,
  },
  {
    name: "an object that ends early",
    answer: objectAnswer("x", { "content-length": "5" }),
    calls: ["get"],
    says: /connection broke|in time/,
  },
  {
    name: "an object without a generation",
    answer: objectAnswer("x", { "x-goog-generation": undefined }),
    calls: ["get"],
    says: notGcs,
  },
  {
    name: "an object whose bytes are not those of its hash",
    answer: objectAnswer("x", { "x-goog-hash": "crc32c=AAAAAA==,md5=AAAAAAAAAAAAAAAAAAAAAA==" }),
    calls: ["get"],
    says: /not those that the bucket holds/,
  },
  {
    name: "another object's facts",
    answer: json(200, { ...object, name: "pre/b" }),
    calls: ["head", "put"],
    says: /of another object/,
  },
  {
    name: "an upload of another size",
    answer: json(200, { ...object, size: "9" }),
    calls: ["put"],
    says: /of another object/,
  },
  {
    name: "an upload of another content",
    answer: json(200, { ...object, md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" }),
    calls: ["put"],
    says: /of another object/,
  },
  {
    name: "a listing of what lies elsewhere",
    answer: listing({ items: [item("other/a")], prefixes: ["other/b/"] }),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /names what lies elsewhere/,
  },
  {
    name: "a listing that is out of order",
    answer: listing({ items: [item("pre/b"), item("pre/a")] }),
    calls: ["list"],
    code: "store-rejected",
    says: /out of order/,
  },
  {
    name: "a listing that never gets on",
    answer: listing({ nextPageToken: "same" }),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /to its end/,
  },
  {
    name: "an endless answer",
    answer: endlessAnswer({ "content-type": "application/json" }, Buffer.alloc(1 << 20, 32), 1),
    calls: ["head", "list", "put"],
    says: /is longer than \d+ bytes/,
  },
  {
    name: "an object that drips",
    answer: endlessAnswer(
      {
        "x-goog-generation": "7",
        "last-modified": new Date(0).toUTCString(),
        "content-length": "1000",
      },
      Buffer.from("x"),
      200,
    ),
    calls: ["get"],
    says: /in time/,
  },
  {
    name: "a refusal for want of a role",
    answer: refusal(403, "forbidden", "x does not have storage.objects.get access"),
    code: "store-denied",
    says: /roles\/storage\.objectUser/,
  },
  {
    name: "S3's own error, as Google's older API says it",
    answer: errorAnswer(403, "AccessDenied"),
    code: "store-denied",
    says: /roles\/storage\.objectUser/,
  },
  {
    name: "a refused token",
    answer: refusal(401, "authError", "Invalid Credentials"),
    code: "store-denied",
    says: /the token was refused/,
  },
  {
    name: "a retention policy",
    answer: refusal(403, "retentionPolicyNotMet"),
    code: "store-rejected",
    says: /retention policy and holds/,
  },
  {
    name: "a closed billing account",
    answer: refusal(403, "accountDisabled", "The billing account is disabled"),
    code: "store-denied",
    says: /billing account/,
  },
  {
    name: "a quota",
    answer: refusal(403, "quotaExceeded"),
    code: "store-busy",
    says: /has reached a limit for now/,
  },
  {
    name: "a disabled key of Cloud KMS",
    answer: refusal(400, "invalid", "Cloud KMS key is disabled"),
    code: "store-busy",
    says: /enable it in Cloud KMS/,
  },
  ...[429, 503, 409].map((status) => ({
    name: `the store's own ${status}`,
    answer: refusal(status, "rateLimitExceeded"),
    code: "store-busy" as const,
    says: /come back later/,
  })),
  {
    name: "the store's own 500",
    answer: refusal(500, "backendError"),
    says: /the store failed/,
  },
  {
    name: "an upload server's plain text",
    answer: pageAnswer(503, { body: "slow down", headers: { "x-guploader-uploadid": "x" } }),
    code: "store-busy",
    says: /come back later/,
  },
];

describe("GcsStore, on what isn't Google Cloud Storage or isn't well", () => {
  let server: HostileS3;
  let store: ObjectStore;
  before(async () => {
    server = await HostileS3.start();
    store = await openStore(`gs://bucket/pre?endpoint=${server.endpoint}`, {
      requestTimeoutMs: 1_000,
    });
  });
  beforeEach(() => server.requests.splice(0));
  after(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
  });

  const run = (call: HostileCall): Promise<unknown> => callStore(store, call, "7");
  itWithstands(
    cases,
    () => false,
    () => ({ server, run }),
  );

  it("sends a write once, whatever comes of it", async () => {
    for (const status of [500, 503, 429]) {
      server.requests.splice(0);
      server.answer = refusal(status, "backendError");
      await assert.rejects(run("put"));
      assert.equal(server.requests.length, 1);
    }
    server.requests.splice(0);
    server.answer = (_asked, _response, request) => void request.socket.destroy();
    await rejectsWith("store-unknown", run("put"));
    assert.equal(server.requests.length, 1);
  });

  it("looks at an object whose replacing was refused, to tell a changed one from one that is gone", async () => {
    const isPost = ({ method }: { method: string }): boolean => method === "POST";
    server.answer = refusal(404, "notFound", "No such object: bucket/pre/a");
    server.script(isPost, refusal(412, "conditionNotMet"));
    await rejectsWith("store-missing", run("replace"));
    server.answer = json(200, object);
    server.script(isPost, refusal(412, "conditionNotMet"));
    await rejectsWith("store-precondition", run("replace"));
    server.script(isPost, refusal(412, "conditionNotMet"));
    await rejectsWith("store-precondition", run("put"));
  });

  it("believes no 404 that doesn't say what is missing, unless the bucket is there", async () => {
    server.answer = refusal(404, "notFound", "Not Found");
    await rejectsWith("store-no-bucket", run("head"));
    server.script(({ url }) => url.includes("/o/"), refusal(404, "notFound", "Not Found"));
    server.answer = listing({});
    assert.equal(await run("head"), null);
  });

  it("stops at once when it is told to", async () => {
    server.answer = () => undefined;
    for (const call of ["get", "put", "list"] as const) {
      const stop = new AbortController();
      const patient = await openStore(`gs://bucket/pre?endpoint=${server.endpoint}`);
      const { signal } = stop;
      const calls = {
        get: () => patient.get("a", { signal }),
        put: () => patient.put("a", encode("x"), { signal }),
        list: () => collect(patient.list("", { signal })),
      };
      server.requests.splice(0);
      const running = rejectsWith("aborted", calls[call]());
      while (server.requests.length === 0) await new Promise((next) => setImmediate(next));
      stop.abort();
      await running;
      await patient.close();
    }
  });
});
