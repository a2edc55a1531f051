import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { endlessAnswer, pageAnswer } from "../peers/hostile-answers.ts";
import { type Answer, HostileS3 } from "../peers/hostile-s3.ts";
import { withEnv } from "../support/env.ts";
import {
  callStore,
  type HostileCall,
  type HostileCase,
  itWithstands,
  strangers,
} from "./hostile-service.ts";

const etag = '"0x8D4BCC2E4835CD0"';
const key = Buffer.from("hushhush-account-key-hushhush").toString("base64");
const notAzure = /is not Azure Blob Storage/;
const marks = { "x-ms-request-id": "1", "x-ms-version": "2021-01-01" };

function refusal(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return pageAnswer(status, {
    type: "application/xml",
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by the store\nRequestId:1</Message></Error>`,
    headers: { ...marks, "x-ms-error-code": code, ...headers },
  });
}

function blob(headers: Record<string, string>): Answer {
  return pageAnswer(200, {
    type: "application/octet-stream",
    body: "x",
    headers: {
      ...marks,
      etag,
      "content-length": "1",
      "last-modified": new Date(0).toUTCString(),
      ...headers,
    },
  });
}

function listing(prefix: string, names: readonly string[], marker = ""): Answer {
  const blobs = names.map(
    (name) =>
      `<Blob><Name>${name}</Name><Properties><Last-Modified>${new Date(0).toUTCString()}</Last-Modified><Etag>0x8D</Etag><Content-Length>1</Content-Length></Properties></Blob>`,
  );
  return pageAnswer(200, {
    type: "application/xml",
    body: `<?xml version="1.0"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="container"><Prefix>${prefix}</Prefix><Blobs>${blobs.join("")}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`,
    headers: marks,
  });
}

const cases: readonly HostileCase[] = [
  ...strangers(notAzure),
  {
    name: "a blob whose bytes are not those of its hash",
    answer: blob({ "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }),
    calls: ["get"],
    says: /not those that the container holds/,
  },
  {
    name: "a blob with a weak etag",
    answer: blob({ etag: `W/${etag}` }),
    calls: ["get", "head"],
    says: /no strong ETag/,
  },
  {
    name: "a listing of something else",
    answer: listing("other/", ["other/a"]),
    calls: ["list", "listFolders"],
    code: "store-rejected",
    says: /lists something else/,
  },
  {
    name: "a listing of what lies elsewhere",
    answer: listing("pre/", ["other/a"]),
    calls: ["list"],
    code: "store-rejected",
    says: /names what lies elsewhere/,
  },
  {
    name: "a listing in the order of a hierarchical namespace",
    answer: listing("pre/", ["pre/a/b", "pre/a-b"]),
    calls: ["list"],
    code: "store-rejected",
    says: /out of order.*without hierarchical namespace/,
  },
  {
    name: "a listing that never gets on",
    answer: listing("pre/", [], "same"),
    calls: ["list"],
    code: "store-rejected",
    says: /to its end/,
  },
  {
    name: "an endless answer",
    answer: endlessAnswer(
      { ...marks, "content-type": "application/xml" },
      Buffer.alloc(1 << 20, 32),
      1,
    ),
    calls: ["list"],
    says: /is longer than \d+ bytes/,
  },
  {
    name: "a lease",
    answer: refusal(412, "LeaseIdMissing"),
    calls: ["put", "replace", "delete"],
    code: "store-rejected",
    says: /someone holds a lease/,
  },
  {
    name: "an immutability policy",
    answer: refusal(409, "BlobImmutableDueToPolicy"),
    calls: ["put", "replace"],
    code: "store-rejected",
    says: /immutability policy/,
  },
  {
    name: "another 412",
    answer: refusal(412, "SomethingNew"),
    calls: ["put", "replace"],
    code: "store-rejected",
    says: /refuses this request/,
  },
  {
    name: "a missing role",
    answer: refusal(403, "AuthorizationPermissionMismatch"),
    code: "store-denied",
    says: /Storage Blob Data Contributor/,
  },
  {
    name: "network rules",
    answer: refusal(403, "AuthorizationFailure"),
    code: "store-denied",
    says: /network rules/,
  },
  {
    name: "a refused key",
    answer: refusal(403, "AuthenticationFailed"),
    code: "store-denied",
    says: /the key, SAS or token is refused/,
  },
  {
    name: "a clock that is off",
    answer: refusal(403, "AuthenticationFailed", {
      date: new Date(Date.now() - 3_600_000).toUTCString(),
    }),
    code: "store-clock",
    says: /clock is 3[56]\d\d s ahead of the store's/,
  },
  {
    name: "an account without keys",
    answer: refusal(403, "KeyBasedAuthenticationNotPermitted"),
    code: "store-denied",
    says: /the account doesn.t accept keys/,
  },
  {
    name: "a busy store",
    answer: refusal(503, "ServerBusy"),
    code: "store-busy",
    says: /come back later/,
  },
  {
    name: "a container that isn't there",
    answer: refusal(404, "ContainerNotFound"),
    code: "store-no-bucket",
    says: /there is no such container/,
  },
  { name: "the store's own 500", answer: refusal(500, "InternalError"), says: /the store failed/ },
];

describe("AzureStore, on what isn't Azure or isn't well", () => {
  let server: HostileS3;
  let store: ObjectStore;
  let folder: string;
  const bare = {
    AZURE_STORAGE_KEY: undefined,
    AZURE_STORAGE_SAS_TOKEN: undefined,
    AZURE_STORAGE_CONNECTION_STRING: undefined,
  };
  const open = (more = ""): Promise<ObjectStore> =>
    openStore(`abs://account@container/pre?endpoint=${server.endpoint}/account${more}`, {
      requestTimeoutMs: 1_000,
    });
  before(async () => {
    server = await HostileS3.start();
    folder = await mkdtemp(join(tmpdir(), "scb-azure-"));
    store = await open();
    // The SDK is loaded with the first call, and that is not to count against the others' time.
    await assert.rejects(run("get"));
  });
  beforeEach(() => server.requests.splice(0));
  after(async () => {
    await store.close();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const run = (call: HostileCall): Promise<unknown> =>
    withEnv({ ...bare, AZURE_STORAGE_KEY: key }, () => callStore(store, call, etag));
  itWithstands(
    cases,
    (text) => text.includes(key),
    () => ({ server, run }),
  );

  it("sends a write once, whatever comes of it", async () => {
    for (const answer of [
      refusal(500, "InternalError"),
      refusal(503, "ServerBusy"),
      pageAnswer(502),
    ]) {
      server.requests.splice(0);
      server.answer = answer;
      await assert.rejects(run("put"));
      assert.equal(server.requests.length, 1);
    }
    server.requests.splice(0);
    server.answer = (_asked, _response, request) => void request.socket.destroy();
    await rejectsWith("store-unknown", run("put"));
    assert.equal(server.requests.length, 1);
  });

  it("looks at a blob whose replacing was refused, to tell a changed one from one that is gone", async () => {
    const isPut = ({ method }: { method: string }): boolean => method === "PUT";
    server.answer = refusal(404, "BlobNotFound");
    server.script(isPut, refusal(412, "ConditionNotMet"));
    await rejectsWith("store-missing", run("replace"));
    server.answer = blob({});
    server.script(isPut, refusal(412, "ConditionNotMet"));
    await rejectsWith("store-precondition", run("replace"));
    server.script(isPut, refusal(409, "BlobAlreadyExists"));
    await rejectsWith("store-precondition", run("put"));
  });

  it("stops at once when it is told to", async () => {
    server.answer = () => undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const running = withEnv({ ...bare, AZURE_STORAGE_KEY: key }, () =>
      rejectsWith("aborted", store.put("a", encode("x"), { signal })),
    );
    while (server.requests.length === 0) await new Promise((next) => setImmediate(next));
    stop.abort();
    await running;
  });

  async function headWith(env: Record<string, string>, more = ""): Promise<unknown> {
    return withEnv({ ...bare, ...env }, async () => {
      const other = await open(more);
      try {
        return await other.head("a");
      } finally {
        await other.close();
      }
    });
  }

  it("takes a SAS, of the environment or a file, and a connection string", async () => {
    server.answer = refusal(404, "BlobNotFound");
    const file = join(folder, "sas");
    await writeFile(file, "?sv=2024-01-01&sp=racwl&sig=hushhush\n");
    await headWith({ AZURE_STORAGE_SAS_TOKEN: "sv=2024-01-01&sp=racwl&sig=hushhush" });
    await headWith({}, `&credentials=${file}`);
    for (const { url, headers } of server.requests.splice(0)) {
      assert.match(url, /[?&]sv=2024-01-01&sp=racwl&sig=hushhush$/);
      assert.equal(headers["authorization"], undefined);
    }
    const text = `DefaultEndpointsProtocol=https;AccountName=account;AccountKey=${key};EndpointSuffix=core.windows.net`;
    await headWith({ AZURE_STORAGE_CONNECTION_STRING: text });
    assert.match(server.requests[0]?.headers["authorization"] ?? "", /^SharedKey account:/);
  });

  const wrong: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      "a key that is none",
      { AZURE_STORAGE_KEY: "hushhush hushhush" },
      /AZURE_STORAGE_KEY holds no/,
    ],
    [
      "another account's connection string",
      { AZURE_STORAGE_CONNECTION_STRING: `AccountName=other;AccountKey=${key}` },
      /AZURE_STORAGE_CONNECTION_STRING is for a different storage account/,
    ],
  ];
  for (const [name, env, says] of wrong) {
    it(`refuses ${name} as wrong usage, and doesn't repeat it`, async () => {
      const error = await rejectsWith("usage", headWith(env));
      assert.match(error.message, says);
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /hushhush/);
    });
  }

  it("names a file of credentials that isn't there", async () => {
    const error = await rejectsWith("usage", headWith({}, "&credentials=/nowhere/sas"));
    assert.match(error.message, /the file \/nowhere\/sas .* there is no such file/);
  });
});
