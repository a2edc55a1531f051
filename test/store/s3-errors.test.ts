import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import type { ErrorCode } from "../../src/runtime/error.ts";
import type { PutCondition } from "../../src/store/object-store.ts";
import type { S3Store } from "../../src/store/s3-store.ts";
import { collect, encode, listKeys, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { errorAnswer, objectAnswer, pageAnswer } from "../peers/hostile-answers.ts";
import { type Answer, HostileS3 } from "../peers/hostile-s3.ts";
import { openStoreAt, secretPattern, withSecrets } from "./open-store-at.ts";

const absent: PutCondition = { kind: "absent" };
const match: PutCondition = { kind: "match", etag: '"e"' };
const hourAgo = new Date(Date.now() - 3_600_000).toUTCString();

const ok: Answer = (_asked, response) => {
  response.writeHead(200, { etag: '"new"' });
  response.end();
};

const putCases: readonly {
  readonly name: string;
  readonly answer: Answer;
  readonly condition?: PutCondition;
  readonly code: ErrorCode;
  readonly says?: RegExp;
}[] = [
  {
    name: "412 with its code",
    answer: errorAnswer(412, "PreconditionFailed"),
    condition: match,
    code: "store-precondition",
  },
  {
    name: "412 without a body",
    answer: errorAnswer(412),
    condition: absent,
    code: "store-precondition",
  },
  {
    name: "404 on a match",
    answer: errorAnswer(404, "NoSuchKey"),
    condition: match,
    code: "store-missing",
  },
  {
    name: "404 on a match, no body",
    answer: errorAnswer(404),
    condition: match,
    code: "store-unknown",
    says: /names nothing/,
  },
  {
    name: "404 NoSuchBucket on a match",
    answer: errorAnswer(404, "NoSuchBucket"),
    condition: match,
    code: "store-no-bucket",
  },
  {
    name: "404 on a create, no body",
    answer: errorAnswer(404),
    condition: absent,
    code: "store-unknown",
    says: /names nothing/,
  },
  {
    name: "404 with a code that names no object",
    answer: errorAnswer(404, "NoSuchUpload"),
    condition: match,
    code: "store-unknown",
    says: /NoSuchUpload/,
  },
  {
    name: "409 conflict",
    answer: errorAnswer(409, "ConditionalRequestConflict"),
    condition: absent,
    code: "store-busy",
  },
  { name: "409 without a body", answer: errorAnswer(409), code: "store-busy" },
  { name: "429", answer: errorAnswer(429, "TooManyRequests"), code: "store-busy" },
  { name: "503 SlowDown", answer: errorAnswer(503, "SlowDown"), code: "store-busy" },
  { name: "503 of a proxy, in HTML", answer: pageAnswer(503), code: "store-busy" },
  {
    name: "507 disk full",
    answer: errorAnswer(507, "XMinioStorageFull"),
    code: "store-busy",
    says: /disk is full/,
  },
  { name: "500 InternalError", answer: errorAnswer(500, "InternalError"), code: "store-unknown" },
  { name: "502 of a proxy, in HTML", answer: pageAnswer(502), code: "store-unknown" },
  { name: "504 without a body", answer: errorAnswer(504), code: "store-unknown" },
  { name: "400 RequestTimeout", answer: errorAnswer(400, "RequestTimeout"), code: "store-unknown" },
  {
    name: "400 InvalidArgument",
    answer: errorAnswer(400, "InvalidArgument"),
    code: "store-rejected",
    says: /InvalidArgument.*said by the store/,
  },
  {
    name: "501 NotImplemented",
    answer: errorAnswer(501, "NotImplemented"),
    code: "store-rejected",
    says: /conditional writes/,
  },
  {
    name: "400 ExpiredToken",
    answer: errorAnswer(400, "ExpiredToken", { inside: "<Token-0>token-of-test</Token-0>" }),
    code: "store-denied",
    says: /expired/,
  },
  ...(
    [
      [
        403,
        "AccessDenied",
        "with an explicit deny in a resource-based policy",
        "store-denied",
        /policy denies this explicitly.*explicit deny/,
      ],
      [
        403,
        "AccessDenied",
        "not authorized to perform: kms:GenerateDataKey on this resource",
        "store-denied",
        /kms:GenerateDataKey and kms:Decrypt, in the key's policy/,
      ],
      [
        400,
        "KMS.DisabledException",
        "arn:aws:kms:1:key/2 is disabled.",
        "store-busy",
        /can't be used now: enable it.*is disabled/,
      ],
      [
        400,
        "KMS.KMSInvalidStateException",
        "the kms key is pending deletion",
        "store-busy",
        /can't be used now/,
      ],
      [400, "KMS.NotFoundException", "no such key", "store-denied", /may not use the key/],
      [403, "QuotaExceeded", "over", "store-busy", /raise its quota or cap/],
      [400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded", "store-busy", /quota/],
      [
        403,
        "AccessDenied",
        "Cannot upload files, storage cap exceeded.",
        "store-busy",
        /quota or cap.*storage cap exceeded/,
      ],
      [403, "UserSuspended", "pay", "store-denied", /suspended/],
      [
        403,
        "SecondLevelDomainForbidden",
        "use a third level domain",
        "store-rejected",
        /\?style=virtual/,
      ],
      [
        400,
        "InvalidRequest",
        "Please use virtual-hosted style",
        "store-rejected",
        /\?style=virtual/,
      ],
      [403, "RequestTimeTooSkewed", "no date", "store-clock", /clock is .*(?:off|behind|ahead)/],
      [
        400,
        "ExpiredToken",
        "The provided token has expired.",
        "store-denied",
        /expired: get new.*provided token/,
      ],
      [
        403,
        "InvalidAccessKeyId",
        "is not in our records",
        "store-denied",
        /does not know this access key.*not in our records/,
      ],
    ] as const
  ).map(([status, kind, text, code, says]) => ({
    name: `${status} ${kind} "${text}"`,
    answer: errorAnswer(status, kind, { text }),
    code,
    says,
  })),
  { name: "401 without a body", answer: errorAnswer(401), code: "store-denied" },
  {
    name: "403 AccessDenied",
    answer: errorAnswer(403, "AccessDenied"),
    code: "store-denied",
    says: /s3:ListBucket/,
  },
  {
    name: "403 InvalidAccessKeyId",
    answer: errorAnswer(403, "InvalidAccessKeyId", {
      inside: "<AWSAccessKeyId>ACCESSKEYOFTEST</AWSAccessKeyId>",
    }),
    code: "store-denied",
    says: /AWS_ACCESS_KEY_ID/,
  },
  {
    name: "403 SignatureDoesNotMatch that repeats the request",
    answer: errorAnswer(403, "SignatureDoesNotMatch", {
      inside: "<CanonicalRequest>x-amz-security-token:token-of-test</CanonicalRequest>",
    }),
    code: "store-denied",
    says: /secret key/,
  },
  {
    name: "403 RequestTimeTooSkewed",
    answer: errorAnswer(403, "RequestTimeTooSkewed", { headers: { date: hourAgo } }),
    code: "store-clock",
    says: /(?:3599|36\d\d) s ahead of the store's: set it/,
  },
  {
    name: "301 PermanentRedirect",
    answer: errorAnswer(301, "PermanentRedirect", {
      headers: { "x-amz-bucket-region": "eu-west-3" },
    }),
    code: "store-rejected",
    says: /another region.*eu-west-3/,
  },
  {
    name: "400 for another region",
    answer: errorAnswer(400, "AuthorizationHeaderMalformed", {
      inside: "<Region>eu-west-3</Region>",
    }),
    code: "store-rejected",
    says: /eu-west-3/,
  },
  {
    name: "a code with control characters",
    answer: errorAnswer(400, "Evil&#xA;Code"),
    code: "store-rejected",
    says: /^[^\n]*Evil Code[^\n]*$/,
  },
  {
    name: "200 without an ETag",
    answer: (_asked, response) => void response.end(),
    code: "store-unknown",
    says: /ETag/,
  },
  { name: "no answer in time", answer: () => undefined, code: "store-unknown", says: /in time/ },
  {
    name: "a reset after the request",
    answer: (_asked, _response, request) => void request.socket.destroy(),
    code: "store-unknown",
    says: /connection broke/,
  },
  {
    name: "an answer that is not HTTP",
    answer: (_asked, _response, request) => void request.socket.end("SSH-2.0\r\n"),
    code: "store-unknown",
  },
];

describe("S3Store reads answers", () => {
  let server: HostileS3;
  let store: S3Store;

  before(async () => {
    server = await HostileS3.start();
    store = await openStoreAt(server.endpoint);
    await withSecrets(() => store.put("warm-up", encode("x")));
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  after(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
  });

  for (const { name, answer, condition, code, says } of putCases) {
    it(`put: ${name} is ${code}, after one request, without a secret`, async () => {
      server.answer = answer;
      const error = await rejectsWith(code, store.put("a/b", encode("x"), { condition }));
      assert.equal(server.requests.length, 1);
      assert.match(error.message, /a\/b.*s3:\/\/bucket\/pre/);
      if (says !== undefined) assert.match(error.message, says);
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), secretPattern);
    });
  }

  it("put: sends length, MD5, type, metadata and condition, once and not in chunks", async () => {
    server.answer = ok;
    const metadata = { "scb-a": "1" };
    await store.put("a/b", encode("x"), { condition: match, metadata, contentType: "text/plain" });
    await store.put("a/c", encode("x"), { condition: absent });
    await store.put("a/d", encode("x"));
    const [replace, create, plain] = server.requests;
    assert.equal(replace?.url?.split("?")[0], "/bucket/pre/a/b");
    assert.equal(replace?.headers["if-match"], '"e"');
    assert.equal(replace?.headers["if-none-match"], undefined);
    assert.equal(replace?.headers["content-md5"], "ndTkYSaMgDT1yFZOFVxnpg==");
    assert.equal(replace?.headers["content-length"], "1");
    assert.equal(replace?.headers["content-type"], "text/plain");
    assert.equal(replace?.headers["x-amz-meta-scb-a"], "1");
    assert.equal(replace?.headers.expect, undefined);
    assert.equal(replace?.body.toString(), "x");
    assert.equal(create?.headers["if-none-match"], "*");
    assert.equal(create?.headers["if-match"], undefined);
    assert.equal(plain?.headers["if-match"] ?? plain?.headers["if-none-match"], undefined);
    for (const { headers } of server.requests) {
      assert.equal(
        headers["x-amz-sdk-checksum-algorithm"] ?? headers["x-amz-checksum-crc32"],
        undefined,
      );
    }
  });

  it("put: a store that says for ever that it is at work gives no answer in time", async () => {
    let ticking: NodeJS.Timeout | undefined;
    server.answer = (_asked, response) => {
      ticking = setInterval(() => response.writeProcessing(), 50);
    };
    const error = await rejectsWith("store-unknown", store.put("a/b", encode("x")));
    clearInterval(ticking);
    assert.match(error.message, /in time/);
  });

  it("put: an abort while it is under way is aborted", async () => {
    const abort = new AbortController();
    server.answer = () => abort.abort(new Error("stop"));
    await rejectsWith("aborted", store.put("a/b", encode("x"), { signal: abort.signal }));
  });

  it("get: a missing object is null, a missing bucket is not", async () => {
    server.answer = errorAnswer(404, "NoSuchKey");
    assert.equal(await store.get("a"), null);
    server.answer = errorAnswer(404, "NoSuchBucket");
    await rejectsWith("store-no-bucket", store.get("a"));
  });

  for (const [type, page] of [
    ["text/html", "<html><body>404: no backend</body></html>"],
    ["text/plain; charset=utf-8", "404 page not found\n"],
    ["application/json", '{"error":"no route"}'],
  ] as const) {
    it(`a 404 that a proxy makes up (${type}) says nothing of an object`, async () => {
      server.answer = (_asked, response) => {
        response.writeHead(404, { "content-type": type });
        response.end(page);
      };
      const { message } = await rejectsWith("store-unknown", store.get("a"));
      assert.match(message, /not an S3 service: check the endpoint, or the proxy/);
      await rejectsWith("store-unknown", store.head("a"));
      await rejectsWith("store-unknown", store.put("a", encode("x"), { condition: match }));
      await rejectsWith("store-unknown", store.put("a", encode("x"), { condition: absent }));
      await rejectsWith("store-unknown", store.delete("a"));
      await rejectsWith("store-unknown", listKeys(store, ""));
    });
  }

  it("head: a refusal, which has no body, is looked into with a get", async () => {
    const answerGet =
      (status: number, answer: Answer): Answer =>
      (asked, response, request) =>
        asked.method === "HEAD"
          ? errorAnswer(status)(asked, response, request)
          : answer(asked, response, request);
    server.answer = answerGet(404, errorAnswer(404, "NoSuchKey"));
    assert.equal(await store.head("a"), null);
    server.answer = answerGet(404, errorAnswer(404, "NoSuchBucket"));
    await rejectsWith("store-no-bucket", store.head("a"));
    server.answer = answerGet(404, errorAnswer(404));
    await rejectsWith("store-unknown", store.head("a"));
    server.answer = answerGet(400, errorAnswer(400, "ExpiredToken"));
    assert.match((await rejectsWith("store-denied", store.head("a"))).message, /expired/);
    server.answer = answerGet(403, pageAnswer(403));
    await rejectsWith("store-unknown", store.head("a"));
    server.answer = answerGet(404, objectAnswer("abc"));
    const info = await store.head("a");
    assert.equal(info?.sizeBytes, 3);
    assert.ok(info !== null && !("bytes" in info));
  });

  it("head: a 403 that has no code tells a clock that is off by its date", async () => {
    server.answer = errorAnswer(403, undefined, { headers: { date: hourAgo } });
    await rejectsWith("store-clock", store.head("a"));
    server.answer = errorAnswer(403);
    await rejectsWith("store-denied", store.head("a"));
  });

  it("get: a body that is cut short, or stalls, is unknown and never short bytes", async () => {
    const head = { etag: '"e"', "last-modified": hourAgo, "content-length": "100" };
    const begin: Answer = (_asked, response) => {
      response.writeHead(200, head);
      response.write("only this");
    };
    server.answer = (asked, response, request) => {
      void begin(asked, response, request);
      setTimeout(() => response.destroy(), 20);
    };
    await rejectsWith("store-unknown", store.get("a"));
    server.answer = begin;
    await rejectsWith("store-unknown", store.get("a"));
    const abort = new AbortController();
    const reading = store.get("a", { signal: abort.signal });
    setTimeout(() => abort.abort(), 60);
    await rejectsWith("aborted", reading);
  });

  it("get: an answer without ETag is not taken for an object", async () => {
    server.answer = (_asked, response) => void response.end("<html>log in to this network</html>");
    await rejectsWith("store-unknown", store.get("a"));
  });

  it("delete: of what is not there resolves, in a missing bucket it does not", async () => {
    server.answer = errorAnswer(404, "NoSuchKey");
    await store.delete("a");
    server.answer = errorAnswer(404, "NoSuchBucket");
    await rejectsWith("store-no-bucket", store.delete("a"));
  });

  it("list: follows pages, passes over what is no key, and stops at one that does not get on", async () => {
    const page = (keys: readonly string[], token: string | null): string =>
      `<?xml version="1.0"?><ListBucketResult><Prefix>pre/</Prefix>${keys
        .map(
          (key) =>
            `<Contents><Key>pre/${key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
        )
        .join(
          "",
        )}<IsTruncated>${token !== null}</IsTruncated>${token === null ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`}</ListBucketResult>`;
    const pages =
      (second: string): Answer =>
      (request, response) =>
        void response.end(
          request.url?.includes("continuation-token") ? second : page(["", "a", "a b"], "t1"),
        );
    server.answer = pages(page(["b", "b/.c", "c"], null));
    assert.deepEqual(await listKeys(store), ["a", "b", "c"]);
    server.answer = pages(page([], "t1"));
    await rejectsWith("store-rejected", collect(store.list("")));
    server.answer = pages(page(["a"], null));
    await rejectsWith("store-rejected", collect(store.list("")));
    server.answer = errorAnswer(404, "NoSuchBucket");
    await rejectsWith("store-no-bucket", collect(store.list("")));
  });
});

describe("S3Store that does not get through", () => {
  const cases = [
    {
      name: "a refused connection",
      endpoint: () => "http://127.0.0.1:9",
      says: /nothing listens there/,
    },
    { name: "an unknown host", endpoint: () => "http://store.invalid", says: /host name/ },
    {
      name: "https to a server without TLS",
      endpoint: (port: number) => `https://127.0.0.1:${port}`,
      says: /TLS/,
    },
  ];
  for (const { name, endpoint, says } of cases) {
    it(`is busy for ${name}`, async () => {
      await using server = await HostileS3.start();
      const store = await withSecrets(() => openStoreAt(endpoint(server.port)));
      const error = await withSecrets(() => rejectsWith("store-busy", store.put("a", encode("x"))));
      assert.match(error.message, says);
      await store.close();
    });
  }

  it("is busy for a connection that is never accepted", async () => {
    await using host = await DeafHost.start();
    const store = await withSecrets(() => openStoreAt(`http://127.0.0.1:${host.port}`));
    const error = await withSecrets(() => rejectsWith("store-busy", store.put("a", encode("x"))));
    assert.match(error.message, /no connection/);
    await store.close();
  });
});

/** A process that listens, stands still, and whose queue of connections is full. */
class DeafHost implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #sockets: readonly Socket[];

  private constructor(port: number, process: ChildProcess, sockets: readonly Socket[]) {
    this.port = port;
    this.#process = process;
    this.#sockets = sockets;
  }

  static async start(): Promise<DeafHost> {
    const program =
      'const s = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))';
    const child = spawn(process.execPath, ["-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(child.stdout, "data");
    child.kill("SIGSTOP");
    const port = Number(String(line));
    const sockets = Array.from({ length: 4 }, () => connect(port, "127.0.0.1"));
    await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, "connect")));
    return new DeafHost(port, child, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#process.kill("SIGKILL");
    await once(this.#process, "close");
  }
}
