import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import type { ErrorCode } from "../../src/runtime/error.ts";
import { openStore } from "../../src/store/open-store.ts";
import { rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { pageAnswer } from "../peers/hostile-answers.ts";
import { type Answer, HostileS3 } from "../peers/hostile-s3.ts";
import { withEnv } from "../support/env.ts";

const secret = /hushhush|PRIVATE KEY/;

function json(status: number, body: unknown): Answer {
  return pageAnswer(status, { type: "application/json", body: JSON.stringify(body) });
}

const empty = json(200, { kind: "storage#objects" });
const missing = json(404, {
  error: { code: 404, message: "No such object: bucket/a", errors: [{ reason: "notFound" }] },
});

describe("Google credentials", () => {
  let folder: string;
  let google: HostileS3;
  /** Without a credential of this machine, and without a look for its metadata service. */
  let bare: Record<string, string | undefined>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-google-"));
    google = await HostileS3.start();
    bare = {
      GOOGLE_APPLICATION_CREDENTIALS: undefined,
      CLOUDSDK_CONFIG: folder,
      HOME: folder,
      METADATA_SERVER_DETECTION: "none",
    };
  });
  beforeEach(() => google.requests.splice(0));
  after(async () => {
    await google[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function file(name: string, content: unknown): Promise<string> {
    const path = join(folder, name);
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await writeFile(path, text);
    return path;
  }

  /** An account of another cloud: its token is fetched from an address that the file names. */
  async function federated(): Promise<string> {
    const subject = await file("subject", "hushhush-subject");
    return file("federated.json", {
      type: "external_account",
      audience:
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${google.endpoint}/token`,
      credential_source: { file: subject },
    });
  }

  async function head(query: string, env: Record<string, string> = {}): Promise<unknown> {
    return withEnv({ ...bare, ...env }, async () => {
      const store = await openStore(`gs://bucket?${query}`, { requestTimeoutMs: 1_000 });
      try {
        return await store.head("a");
      } finally {
        await store.close();
      }
    });
  }

  const isToken = ({ url }: { url: string }): boolean => url === "/token";
  const token = (value: string): Answer =>
    json(200, {
      access_token: value,
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: 3_600,
    });

  it("are fetched once, and sent with each request", async () => {
    google.answer = missing;
    google.script(isToken, token("hushhush-1"));
    const path = await federated();
    await withEnv(bare, async () => {
      const store = await openStore(`gs://bucket?credentials=${path}&endpoint=${google.endpoint}`);
      for (const key of ["a", "b"]) assert.equal(await store.head(key), null);
      await store.close();
    });
    const asked = google.requests.map(({ url, headers }) => [
      url.split("?")[0],
      headers["authorization"],
    ]);
    assert.deepEqual(asked, [
      ["/token", undefined],
      ["/storage/v1/b/bucket/o/a", "Bearer hushhush-1"],
      ["/storage/v1/b/bucket/o/b", "Bearer hushhush-1"],
    ]);
  });

  it("are fetched anew when they were refused", async () => {
    const path = await federated();
    google.answer = missing;
    google.script(isToken, token("hushhush-1"));
    await withEnv(bare, async () => {
      const store = await openStore(`gs://bucket?credentials=${path}&endpoint=${google.endpoint}`);
      google.script(
        ({ url }) => !isToken({ url }),
        json(401, { error: { code: 401, message: "Invalid Credentials", errors: [] } }),
      );
      const error = await rejectsWith("store-denied", store.head("a"));
      assert.match(error.message, /the token was refused/);
      google.script(isToken, token("hushhush-2"));
      assert.equal(await store.head("a"), null);
      assert.equal(google.requests.at(-1)?.headers["authorization"], "Bearer hushhush-2");
      await store.close();
    });
  });

  const refusals: readonly (readonly [string, Answer, ErrorCode, RegExp])[] = [
    [
      "a refused credential",
      json(400, { error: "invalid_grant", error_description: "Account not found" }),
      "store-denied",
      /says invalid_grant: Account not found \(status 400\): the credential is refused/,
    ],
    [
      "a clock that is off",
      json(400, {
        error: "invalid_grant",
        error_description: "Token must be in a reasonable timeframe. Check your iat and exp values",
      }),
      "store-clock",
      /clock is off/,
    ],
    [
      "a sign-in that has ended",
      json(400, {
        error: "invalid_grant",
        error_description: "reauth related error (invalid_rapt)",
      }),
      "store-denied",
      /gcloud auth application-default login/,
    ],
    ["a login page", pageAnswer(403), "store-denied", /no reason given \(status 403\)/],
  ];
  for (const [name, answer, code, says] of refusals) {
    it(`say what the service that gives tokens says: ${name}`, async () => {
      google.answer = answer;
      const query = `credentials=${await federated()}&endpoint=${google.endpoint}`;
      const error = await rejectsWith(code, head(query));
      assert.match(error.message, says);
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), secret);
    });
  }

  it("are waited for if the service that gives tokens doesn't answer", async () => {
    google.answer = () => undefined;
    const query = `credentials=${await federated()}&endpoint=${google.endpoint}`;
    const error = await rejectsWith("store-busy", head(query));
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), secret);
  });

  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 1024,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const files: readonly (readonly [string, unknown, RegExp])[] = [
    ["is no JSON", "hushhush", /is not a credential: it must be the JSON/],
    ["is JSON of something else", { hushhush: 1 }, /is not a credential/],
    ["is of an unknown type", { type: "hushhush" }, /no Google credential of a known type/],
    [
      "lacks a part",
      { type: "service_account", client_email: "x@y", hushhush: privateKey },
      /does not contain a private_key/,
    ],
    [
      "has a damaged key",
      { type: "service_account", client_email: "x@y", private_key: "hushhush" },
      /the credential can't be used/,
    ],
  ];
  for (const [name, content, says] of files) {
    it(`are refused as wrong usage, by name, if their file ${name}`, async () => {
      const path = await file("wrong.json", content);
      const named = await rejectsWith(
        "usage",
        head(`credentials=${path}&endpoint=${google.endpoint}`),
      );
      assert.match(named.message, says);
      const inEnv = await rejectsWith("usage", head("", { GOOGLE_APPLICATION_CREDENTIALS: path }));
      assert.match(inEnv.message, says);
      for (const error of [named, inEnv]) {
        assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), secret);
      }
      assert.equal(google.requests.length, 0);
    });
  }

  it("name the file that isn't there, and where it was named", async () => {
    const named = await rejectsWith("usage", head("credentials=/nowhere/key.json"));
    assert.match(
      named.message,
      /the file \/nowhere\/key\.json can't be read: there is no such file/,
    );
    const env = { GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/key.json" };
    const inEnv = await rejectsWith("usage", head("", env));
    assert.match(inEnv.message, /GOOGLE_APPLICATION_CREDENTIALS names can't be read/);
  });

  it("say where they could be if there are none", async () => {
    const error = await rejectsWith("store-denied", head(""));
    assert.match(error.message, /no Google credentials found: name a file/);
  });

  it("are sent to no other service than Google, unless a file is named for it", async () => {
    google.answer = empty;
    const path = await federated();
    google.answer = missing;
    await head(`endpoint=${google.endpoint}`, { GOOGLE_APPLICATION_CREDENTIALS: path });
    assert.equal(google.requests.length, 1);
    assert.equal(google.requests[0]?.headers["authorization"], undefined);
  });

  it("are not sent unencrypted", async () => {
    const path = await federated();
    const query = `credentials=${path}&endpoint=http://storage.example`;
    const error = await rejectsWith("usage", head(query));
    assert.match(error.message, /not encrypted/);
  });
});
