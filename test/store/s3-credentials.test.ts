import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { HostileS3 } from "../peers/hostile-s3.ts";
import { withEnv } from "../support/env.ts";
import { openStoreAt } from "./open-store-at.ts";

const config = `
[profile process-fails]
credential_process = sh -c "echo vault is sealed >&2; exit 7; hushhush"
[profile process-babbles]
credential_process = echo hushhush
[profile sso]
sso_start_url = https://x.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123
sso_role_name = reader
[profile sso-session]
sso_session = my
sso_account_id = 123
sso_role_name = reader
[sso-session my]
sso_region = us-east-1
sso_start_url = https://x.awsapps.com/start
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = base
[profile base]
aws_access_key_id = KEY
aws_secret_access_key = hushhush
[profile newline]
aws_access_key_id = KEY WITH SPACE
aws_secret_access_key = hushhush
`;

function answer(status: number, body = ""): RequestListener {
  return (_request, response) => void response.writeHead(status).end(body);
}

function stsError(status: number, code: string, text: string): RequestListener {
  return answer(
    status,
    `<ErrorResponse><Error><Code>${code}</Code><Message>${text}</Message></Error></ErrorResponse>`,
  );
}

interface Case {
  readonly name: string;
  readonly env: (url: string, folder: string) => Readonly<Record<string, string>>;
  /** What the source of credentials answers. */
  readonly source?: RequestListener;
  readonly code: ErrorCode;
  readonly says: RegExp;
}

const webIdentity = (url: string, folder: string) => ({
  AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
  AWS_ROLE_ARN: "arn:aws:iam::1:role/x",
  AWS_ENDPOINT_URL_STS: url,
});
const nowhere = "http://127.0.0.1:9";

const cases: readonly Case[] = [
  {
    name: "nothing set up",
    env: () => ({}),
    code: "store-denied",
    says: /no credentials found: set/,
  },
  {
    name: "half a key",
    env: () => ({ AWS_ACCESS_KEY_ID: "KEY" }),
    code: "store-denied",
    says: /no credentials found: set/,
  },
  {
    name: "a container's service that answers 500",
    env: (url) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/c` }),
    source: answer(500),
    code: "store-busy",
    says: /AWS_CONTAINER_CREDENTIALS_FULL_URI.*trying again/,
  },
  {
    name: "a container's service that nobody runs",
    env: () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${nowhere}/c` }),
    code: "store-busy",
    says: /AWS_CONTAINER_CREDENTIALS_FULL_URI/,
  },
  {
    name: "a container's service that answers with a page",
    env: (url) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/c` }),
    source: answer(200, "<html>"),
    code: "store-busy",
    says: /source of credentials fails/,
  },
  {
    name: "a machine's service that answers 500",
    env: (url) => ({ AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
    source: answer(500),
    code: "store-busy",
    says: /instance metadata service.*status 500/,
  },
  {
    name: "a machine without a role",
    env: (url) => ({ AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
    source: answer(404),
    code: "store-denied",
    says: /no credentials found: set/,
  },
  {
    name: "a machine that is none of a cloud's",
    env: () => ({
      AWS_EC2_METADATA_DISABLED: "false",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: nowhere,
    }),
    code: "store-denied",
    says: /no credentials found: set/,
  },
  {
    name: "a credential_process that fails",
    env: () => ({ AWS_PROFILE: "process-fails" }),
    code: "store-busy",
    says: /credential_process fails \(vault is sealed\)/,
  },
  {
    name: "a credential_process that gives no JSON",
    env: () => ({ AWS_PROFILE: "process-babbles" }),
    code: "store-busy",
    says: /credential_process fails \(Profile process-babbles .*invalid JSON/,
  },
  {
    name: "an SSO session that has ended",
    env: () => ({ AWS_PROFILE: "sso" }),
    code: "store-denied",
    says: /profile.s sign-in has expired: run `aws sso login`/,
  },
  {
    name: "an SSO session by its name",
    env: () => ({ AWS_PROFILE: "sso-session" }),
    code: "store-denied",
    says: /aws sso login/,
  },
  {
    name: "a profile that is missing",
    env: () => ({ AWS_PROFILE: "nope" }),
    code: "store-denied",
    says: /AWS profile gives no credentials: .*\[nope\]/,
  },
  {
    name: "STS that answers 500",
    env: (url) => ({ AWS_PROFILE: "role", AWS_ENDPOINT_URL_STS: url }),
    source: stsError(500, "InternalFailure", "try later"),
    code: "store-busy",
    says: /InternalFailure, status 500: try later/,
  },
  {
    name: "STS that can't be reached",
    env: () => ({ AWS_PROFILE: "role", AWS_ENDPOINT_URL_STS: nowhere }),
    code: "store-busy",
    says: /ECONNREFUSED/,
  },
  {
    name: "STS that denies the role",
    env: (url) => ({ AWS_PROFILE: "role", AWS_ENDPOINT_URL_STS: url }),
    source: stsError(403, "AccessDenied", "not authorized to assume it"),
    code: "store-denied",
    says: /AccessDenied, status 403: not authorized to assume it; check the role/,
  },
  {
    name: "STS that throttles",
    env: webIdentity,
    source: stsError(400, "Throttling", "rate exceeded"),
    code: "store-busy",
    says: /rate exceeded/,
  },
  {
    name: "a web identity that has expired",
    env: webIdentity,
    source: stsError(400, "ExpiredTokenException", "it has expired"),
    code: "store-denied",
    says: /it has expired/,
  },
  {
    name: "a web identity without its file",
    env: (url, folder) => ({
      ...webIdentity(url, folder),
      AWS_WEB_IDENTITY_TOKEN_FILE: "/no/file",
    }),
    code: "store-denied",
    says: /can't be read.*\/no\/file/,
  },
  ...(
    [
      ["AWS_ACCESS_KEY_ID", "hushhush\n"],
      ["AWS_SECRET_ACCESS_KEY", "hush hush"],
      ["AWS_SESSION_TOKEN", "hushhush\r"],
      ["AWS_SESSION_TOKEN", "hushhushä"],
    ] as const
  ).map(
    ([name, value]): Case => ({
      name: `${JSON.stringify(value)} as ${name}`,
      env: () => ({ AWS_ACCESS_KEY_ID: "KEY", AWS_SECRET_ACCESS_KEY: "SECRET", [name]: value }),
      code: "usage",
      says: new RegExp(`: ${name} holds white space`),
    }),
  ),
  {
    name: "white space in a key of a profile",
    env: () => ({ AWS_PROFILE: "newline" }),
    code: "usage",
    says: /the AWS_ACCESS_KEY_ID from the AWS profile.* holds white space/,
  },
];

/** Nothing of this machine's own settings gets in. */
function onlyEnv(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = Object.keys(process.env).filter((name) => name.startsWith("AWS_"));
  return { ...Object.fromEntries(own.map((name) => [name, undefined])), ...env };
}

describe("credentials that can't be had", () => {
  let folder: string;
  let source: Server;
  let service: HostileS3;
  let listener: RequestListener = answer(500);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-aws-"));
    await writeFile(join(folder, "config"), config);
    await writeFile(join(folder, "token"), "a-token");
    source = createServer((request, response) => listener(request, response));
    await new Promise<void>((resolve) => source.listen(0, "127.0.0.1", resolve));
    service = await HostileS3.start();
  });
  after(async () => {
    source.closeAllConnections();
    source.close();
    await service[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const url = (): string => `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
  const environment = (env: Readonly<Record<string, string>>) =>
    onlyEnv({
      HOME: folder,
      AWS_CONFIG_FILE: join(folder, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
      ...env,
    });

  for (const { name, env, source: given = answer(500), code, says } of cases) {
    it(`${name}: ${code}, and nothing is sent to the store`, async () => {
      listener = given;
      service.requests.length = 0;
      await withEnv(environment(env(url(), folder)), async () => {
        const store = await openStoreAt(service.endpoint, undefined, 10_000);
        const error = await rejectsWith(code, store.put("a", encode("x")));
        assert.match(error.message, /^cannot write a in s3:\/\/bucket\/pre: /);
        assert.match(error.message, says);
        const shown = inspect(error, { depth: null, showHidden: true });
        assert.doesNotMatch(shown, /hush|SECRET"/);
        await store.close();
      });
      assert.equal(service.requests.length, 0);
    });
  }

  it("a source that is back gives them to the next request", async () => {
    listener = answer(500);
    const credentials = {
      AccessKeyId: "KEY",
      SecretAccessKey: "SECRET",
      Token: "TOKEN",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    };
    await withEnv(environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url()}/c` }), async () => {
      const store = await openStoreAt(service.endpoint, undefined, 10_000);
      await rejectsWith("store-busy", store.put("a", encode("x")));
      listener = answer(200, JSON.stringify(credentials));
      await store.put("a", encode("x"));
      await store.close();
    });
  });

  it("a source that does not answer ends in time, before anything left", async () => {
    listener = () => undefined;
    await withEnv(environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url()}/c` }), async () => {
      const store = await openStoreAt(service.endpoint);
      const error = await rejectsWith("store-busy", store.put("a", encode("x")));
      assert.match(error.message, /no credentials came in time/);
      await store.close();
    });
  });

  const settings: readonly (readonly [
    env: Readonly<Record<string, string>>,
    says: RegExp,
    endpoint?: string,
  ])[] = [
    [{ AWS_REGION: "eu west" }, /AWS_REGION is not a region's name/],
    [{ AWS_DEFAULT_REGION: "eu/west" }, /AWS_DEFAULT_REGION is not a region's name/],
    [{ AWS_ENDPOINT_URL_S3: "localhost:9000" }, /AWS_ENDPOINT_URL_S3 must start with https/],
    [{ AWS_ENDPOINT_URL: "minio.local" }, /AWS_ENDPOINT_URL must start with https/],
    [{ AWS_ENDPOINT_URL: "https://x y" }, /AWS_ENDPOINT_URL isn.t valid/],
    [{ AWS_ENDPOINT_URL: "https://a:hushhush@x" }, /credentials don.t belong/],
    [{ AWS_USE_FIPS_ENDPOINT: "true" }, /AWS_USE_FIPS_ENDPOINT is set/, "https://x.example"],
    [
      { AWS_USE_DUALSTACK_ENDPOINT: "true", AWS_ENDPOINT_URL: "https://x.example" },
      /AWS_USE_DUALSTACK_ENDPOINT is set/,
    ],
  ];
  for (const [env, says, endpoint] of settings) {
    it(`${JSON.stringify(env)}: usage, at once`, async () => {
      await withEnv(environment(env), async () => {
        const options = { endpoint, requestTimeoutMs: 400, connectTimeoutMs: 300 };
        const error = await rejectsWith("usage", createS3Client(options));
        assert.match(error.message, says);
        assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /hushhush/);
        assert.ok(error instanceof ScbError);
      });
    });
  }

  it("a profile of the location's own beats the keys of the environment, for that store alone", async () => {
    const env = { AWS_ACCESS_KEY_ID: "FROM-ENV", AWS_SECRET_ACCESS_KEY: "hushhush" };
    await withEnv(environment(env), async () => {
      const options = { region: "us-east-1", requestTimeoutMs: 400, connectTimeoutMs: 300 };
      for (const [profile, keyId] of [
        [undefined, "FROM-ENV"],
        ["base", "KEY"],
      ] as const) {
        const client = await createS3Client({ ...options, profile });
        assert.equal((await client.config.credentials()).accessKeyId, keyId);
        client.destroy();
      }
      const client = await createS3Client({ ...options, profile: "nope" });
      const error = await client.config.credentials().catch((thrown: unknown) => thrown);
      assert.match(String(error), /profile gives no credentials.*nope/);
      client.destroy();
    });
  });

  const regions: readonly (readonly [env: Readonly<Record<string, string>>, region: string])[] = [
    [{ AWS_DEFAULT_REGION: "eu-west-1" }, "eu-west-1"],
    [{ AWS_REGION: "eu-west-2", AWS_DEFAULT_REGION: "eu-west-1" }, "eu-west-2"],
    [{ AWS_REGION: " eu-west-2\n" }, "eu-west-2"],
    [{ AWS_REGION: "", AWS_DEFAULT_REGION: "eu-west-1" }, "eu-west-1"],
  ];
  for (const [env, region] of regions) {
    it(`${JSON.stringify(env)}: the region is ${region}`, async () => {
      await withEnv(environment(env), async () => {
        const client = await createS3Client({ requestTimeoutMs: 400, connectTimeoutMs: 300 });
        assert.equal(await client.config.region(), region);
        client.destroy();
      });
    });
  }

  it("the style is path with an endpoint and virtual without, or what is said", async () => {
    const options = { requestTimeoutMs: 400, connectTimeoutMs: 300, region: "us-east-1" };
    const endpoint = "https://s3.example";
    await withEnv(environment({}), async () => {
      for (const [given, isPath] of [
        [{}, false],
        [{ endpoint }, true],
        [{ endpoint, style: "virtual" }, false],
        [{ endpoint, style: "path" }, true],
        [{ style: "path" }, true],
      ] as const) {
        const client = await createS3Client({ ...options, ...given });
        assert.equal(client.config.forcePathStyle, isPath);
        client.destroy();
      }
    });
  });
});
