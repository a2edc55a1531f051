import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import type { ErrorCode } from "../../src/runtime/error.ts";
import type { S3Store } from "../../src/store/s3-store.ts";
import { collect, encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { endlessAnswer, errorAnswer, objectAnswer, pageAnswer } from "../peers/hostile-answers.ts";
import { type Answer, HostileS3 } from "../peers/hostile-s3.ts";
import { callStore, type HostileCase, itWithstands, strangers } from "./hostile-service.ts";
import { openStoreAt, secretPattern, withSecrets } from "./open-store-at.ts";

const etag = { etag: '"5f3c-19ab"', "last-modified": new Date(0).toUTCString() };
const noS3 = /not an S3 service: check the endpoint, or the proxy/;

function listing(inside: string): Answer {
  return (asked, response) => {
    const prefix = new URL(asked.url, "http://store").searchParams.get("prefix");
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0"?><ListBucketResult><Prefix>${prefix}</Prefix>${inside}</ListBucketResult>`,
    );
  };
}

function xmlAnswer(text: string): Answer {
  return pageAnswer(200, { type: "application/xml", body: text });
}

const cases: readonly HostileCase[] = [
  ...strangers(noS3),
  {
    name: "a login page with 200, an ETag and a date",
    answer: pageAnswer(200, { headers: etag }),
    says: noS3,
  },
  {
    name: "200 with an ETag and JSON",
    answer: pageAnswer(200, { type: "application/json", body: '{"ok":true}', headers: etag }),
    calls: ["put", "delete", "list"],
    says: noS3,
  },
  {
    name: "200 with nothing",
    answer: (_asked, response) => void response.end(),
    calls: ["get", "head", "put", "list", "listFolders"],
    says: /not an S3 service|no ETag/,
  },
  {
    name: "204 for a put",
    answer: (_asked, response) => void response.writeHead(204, etag).end(),
    calls: ["put", "get", "head", "list"],
    says: noS3,
  },
  {
    name: "206 for a get",
    answer: (_asked, response) => {
      response.writeHead(206, { ...etag, "content-length": "3" });
      response.end("abc");
    },
    calls: ["get"],
    says: noS3,
  },
  {
    name: "another operation's XML",
    answer: xmlAnswer(
      '<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>',
    ),
    calls: ["list", "listFolders", "put", "delete"],
    says: noS3,
  },
  {
    name: "a listing that is cut off",
    answer: xmlAnswer('<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>'),
    calls: ["list", "listFolders"],
    says: noS3,
  },
  {
    name: "an error of S3's with 200",
    answer: xmlAnswer("<Error><Code>InternalError</Code></Error>"),
    calls: ["list", "listFolders"],
    says: noS3,
  },
  {
    name: "a listing that does not say whether it goes on",
    answer: listing(""),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /not that of an S3 service/,
  },
  {
    name: "a listing of another prefix",
    answer: listing(
      "<IsTruncated>false</IsTruncated><Contents><Key>other/a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>",
    ),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /names what lies elsewhere/,
  },
  {
    name: "an empty listing of something else",
    answer: pageAnswer(200, {
      type: "application/xml",
      body: "<ListBucketResult><Name>other</Name><Prefix>else/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>",
    }),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /it lists something else/,
  },
  {
    name: "XML with 403 that is not S3's",
    answer: pageAnswer(403, {
      type: "application/xml",
      body: "<html><Code>AccessDenied</Code></html>",
    }),
    says: noS3,
  },
  {
    name: "S3's own redirect while a bucket is new",
    answer: errorAnswer(307, "TemporaryRedirect"),
    calls: ["get", "put", "list"],
    code: "store-busy",
    says: /new/,
  },
  {
    name: "an object whose ETag is weak",
    answer: objectAnswer("abc", { etag: 'W/"e"' }),
    calls: ["get", "head"],
    says: /weak.*W\/.*proxy/,
  },
  {
    name: "a put whose ETag is weak",
    answer: (_asked, response) => void response.writeHead(200, { etag: 'W/"e"' }).end(),
    calls: ["put"],
    says: /weak.*W\/.*proxy/,
  },
  {
    name: "an ETag without quotes",
    answer: (_asked, response) => void response.writeHead(200, { etag: "e" }).end(),
    calls: ["put"],
    says: /quotes/,
  },
  {
    name: "an object that was compressed on its way",
    answer: objectAnswer("abc", { "content-encoding": "gzip" }),
    calls: ["get", "head"],
    says: /re-encoded in transit.*proxy/,
  },
  {
    name: "an object without a date",
    answer: (_asked, response) => void response.writeHead(200, { etag: '"e"' }).end("abc"),
    calls: ["get"],
    says: noS3,
  },
];

describe("S3Store on a service that is none", () => {
  let server: HostileS3;
  let store: S3Store;

  before(async () => {
    server = await HostileS3.start();
    store = await openStoreAt(server.endpoint);
    await withSecrets(() => store.put("warm-up", encode("x")));
  });
  beforeEach(() => {
    server.answer = null;
    server.requests.length = 0;
  });
  after(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
  });

  itWithstands(
    cases,
    (text) => secretPattern.test(text),
    () => ({ server, run: (call) => callStore(store, call, '"e"') }),
  );

  it("takes an empty answer with a type of its own for S3's, as moto gives it", async () => {
    server.answer = (_asked, response) => {
      response.writeHead(200, { etag: '"e"', "content-type": "text/html; charset=utf-8" }).end();
    };
    assert.deepEqual(await store.put("a", encode("x")), { etag: '"e"' });
  });

  it("repeats nothing that the service sends back of its credentials", async () => {
    server.answer = (asked, response, request) => {
      const sent = `${asked.headers["x-amz-security-token"]} ${asked.headers.authorization}`;
      return errorAnswer(403, "AccessDenied", { text: `you sent ${sent}` })(
        asked,
        response,
        request,
      );
    };
    const error = await rejectsWith("store-denied", store.get("a"));
    assert.match(error.message, /you sent/);
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), secretPattern);
  });
});

describe("S3Store within its bounds", () => {
  let server: HostileS3;
  let store: S3Store;
  /** Three times the timeout of an answer, and some time for the machine. */
  const longestMs = 1_200 + 800;

  before(async () => {
    server = await HostileS3.start();
    store = await openStoreAt(server.endpoint);
    await withSecrets(() => store.put("warm-up", encode("x")));
  });
  after(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
  });

  async function endsWith(code: ErrorCode, says: RegExp, run: () => Promise<unknown>) {
    const startedMs = performance.now();
    const before = process.memoryUsage().rss;
    const error = await rejectsWith(code, run());
    assert.match(error.message, says);
    assert.ok(performance.now() - startedMs < longestMs, `${performance.now() - startedMs} ms`);
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, "memory");
  }

  const object = { ...etag, "content-type": "application/octet-stream" };

  it("ends a body that comes byte by byte", async () => {
    server.answer = endlessAnswer({ ...object, "content-length": "4096" }, Buffer.from("x"), 100);
    await endsWith("store-unknown", /not complete/, () => store.get("a"));
    server.answer = endlessAnswer(object, Buffer.from("x"), 100);
    await endsWith("store-unknown", /not complete/, () => store.get("a"));
    await endsWith("store-unknown", /not complete/, () => store.put("a", encode("x")));
    await endsWith("store-unknown", /not complete/, () => collect(store.list("")));
  });

  it("holds no more of an endless body than the caller allows", async () => {
    server.answer = endlessAnswer(object, Buffer.alloc(1024 * 1024), 1);
    await endsWith("store-too-large", /larger than/, () =>
      store.get("a", { maxBytes: 1024 * 1024 }),
    );
  });

  it("asks for no byte of an object that says that it is too large", async () => {
    server.answer = endlessAnswer(
      { ...object, "content-length": String(300 * 1024 * 1024) },
      Buffer.alloc(1024),
      1,
    );
    await endsWith("store-too-large", /larger than/, () => store.get("a"));
    await endsWith("store-too-large", /larger than/, () => store.get("a", { maxBytes: 10 }));
  });

  it("takes an object of just the size that is allowed", async () => {
    server.answer = objectAnswer("0123456789");
    assert.equal((await store.get("a", { maxBytes: 10 }))?.sizeBytes, 10);
    await rejectsWith("store-too-large", store.get("a", { maxBytes: 9 }));
  });

  it("holds 64 KiB of what an error says", async () => {
    server.answer = (_asked, response) => {
      response.writeHead(400, { "content-type": "application/xml" });
      response.end(`<Error><Code>A</Code><Message>${"x".repeat(100_000)}</Message></Error>`);
    };
    await endsWith("store-unknown", /longer than 65536 bytes/, () => store.get("a"));
  });

  it("ends a listing of empty pages with ever new tokens", async () => {
    let pages = 0;
    server.answer = (asked, response, request) => {
      pages += 1;
      return listing(
        `<IsTruncated>true</IsTruncated><NextContinuationToken>t${pages}</NextContinuationToken>`,
      )(asked, response, request);
    };
    await endsWith("store-unknown", /it hadn.t ended after/, () => collect(store.list("")));
    await endsWith("store-unknown", /it hadn.t ended after/, () => collect(store.listFolders("")));
  });

  it("does not count a slow caller's time against a listing", async () => {
    server.answer = (asked, response, request) => {
      const isLast = asked.url.includes("continuation-token");
      return listing(
        `<IsTruncated>${!isLast}</IsTruncated>${isLast ? "" : "<NextContinuationToken>t</NextContinuationToken>"}<Contents><Key>pre/${isLast ? "b" : "a"}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
      )(asked, response, request);
    };
    const keys: string[] = [];
    for await (const { key } of store.list("")) {
      keys.push(key);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    assert.deepEqual(keys, ["a", "b"]);
  });

  it("ends, aborted, in the middle of each of these", async () => {
    server.answer = endlessAnswer(object, Buffer.from("x"), 100);
    for (const run of [
      (signal: AbortSignal) => store.get("a", { signal }),
      (signal: AbortSignal) => collect(store.list("", { signal })),
    ]) {
      await rejectsWith("aborted", run(AbortSignal.timeout(100)));
    }
  });
});
