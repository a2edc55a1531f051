import {
  type AuthClient,
  EXTERNAL_ACCOUNT_AUTHORIZED_USER_TYPE,
  ExternalAccountAuthorizedUserClient,
  type ExternalAccountAuthorizedUserClientOptions,
  ExternalAccountClient,
  type ExternalAccountClientOptions,
  GoogleAuth,
  type gaxios,
  type ImpersonatedOptions,
  JWT,
  UserRefreshClient,
} from "google-auth-library";
import { z } from "zod";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { readSmallFile } from "../runtime/small-file.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";

/** Permits reading, writing and deleting objects, if the account's roles do. */
const scopes = ["https://www.googleapis.com/auth/devstorage.read_write"];

const noneFound =
  "no Google credentials found: name a file with them in GOOGLE_APPLICATION_CREDENTIALS or as ?credentials=FILE, run `gcloud auth application-default login`, or give this machine a service account";

const keyFile = z.looseObject({ type: z.string() });

const refusalText = z
  .object({ error: z.string(), error_description: z.string().catch("") })
  .catch({ error: "no reason given", error_description: "" });

/** How the library reaches the token services. */
export type TokenTransport = (
  request: gaxios.GaxiosOptionsPrepared,
) => Promise<gaxios.GaxiosResponse>;

export interface GcsCredentialsOptions {
  /** Default: `GOOGLE_APPLICATION_CREDENTIALS`, or else where Google's tools look for credentials. */
  readonly file: string | undefined;
  readonly transport: TokenTransport;
}

/** Authorizes requests. */
export interface GcsCredentials {
  /** The headers for a request. Throws `CredentialsTrouble`. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The last headers were refused: the next token must be a new one. */
  forget(): void;
}

/** For a service that needs none. */
export const noCredentials: GcsCredentials = {
  headers: async () => ({}),
  forget: () => undefined,
};

/**
 * Application Default Credentials, or those of a file: a service account's key, a person's sign-in, an
 * account of another cloud (workload identity federation), or an impersonated account.
 */
export function gcsCredentials({ file, transport }: GcsCredentialsOptions): GcsCredentials {
  let client: Promise<AuthClient> | undefined;
  return {
    async headers() {
      try {
        client ??= authClient(file, transport);
        const found = await (await client).getRequestHeaders();
        return Object.fromEntries(found.entries());
      } catch (error) {
        client = undefined;
        throw explained(error);
      }
    },
    forget() {
      client = undefined;
    },
  };
}

async function authClient(
  named: string | undefined,
  transport: TokenTransport,
): Promise<AuthClient> {
  const variable = "GOOGLE_APPLICATION_CREDENTIALS";
  const inEnv = process.env[variable]?.trim() ?? "";
  const options = {
    transporterOptions: { adapter: transport as NonNullable<gaxios.GaxiosOptions["adapter"]> },
  };
  // Without a project id, the library would run gcloud to find one, and nothing here needs it.
  const auth = new GoogleAuth({ scopes, projectId: "none", clientOptions: options });
  if (named !== undefined) return clientOf(named, `the file ${named}`, auth, options);
  if (inEnv !== "") return clientOf(inEnv, `the file that ${variable} names`, auth, options);
  return auth.getClient();
}

type ClientOptions = NonNullable<ConstructorParameters<typeof JWT>[0]>;

async function clientOf(
  path: string,
  place: string,
  auth: GoogleAuth,
  options: ClientOptions,
): Promise<AuthClient> {
  const json = readKeyFile(path, place);
  switch (json.type) {
    case "service_account": {
      const client = new JWT({ ...options, scopes });
      client.fromJSON(json);
      return client;
    }
    case "authorized_user": {
      const client = new UserRefreshClient(options);
      client.fromJSON(json);
      return client;
    }
    case "impersonated_service_account":
      return auth.fromImpersonatedJSON(json as unknown as ImpersonatedOptions);
    case "external_account": {
      const from = { ...json, ...options } as unknown as ExternalAccountClientOptions;
      const client = ExternalAccountClient.fromJSON(from);
      if (client === null) throw new Error("it names no account");
      client.scopes = scopes;
      return client;
    }
    case EXTERNAL_ACCOUNT_AUTHORIZED_USER_TYPE: {
      const from = { ...json, ...options } as unknown;
      return new ExternalAccountAuthorizedUserClient(
        from as ExternalAccountAuthorizedUserClientOptions,
      );
    }
    default:
      throw new CredentialsTrouble(
        "usage",
        `${place} holds no Google credential of a known type: download the key again, or make the file with gcloud`,
      );
  }
}

/** The file's content is never repeated in a message. */
function readKeyFile(path: string, place: string): z.infer<typeof keyFile> {
  let text: string;
  try {
    text = readSmallFile(path);
  } catch (error) {
    throw new CredentialsTrouble(
      "usage",
      `${place} can't be read: ${ScbError.from(error).message}`,
      { cause: error },
    );
  }
  try {
    return keyFile.parse(JSON.parse(text));
  } catch {
    throw new CredentialsTrouble(
      "usage",
      `${place} is not a credential: it must be the JSON that Google's console or gcloud makes`,
    );
  }
}

function explained(error: unknown): CredentialsTrouble {
  if (error instanceof CredentialsTrouble) return error;
  const { message, cause, response, code } = failureOf(error);
  const words = foreignText(message);
  // The library's own error contains the request, including the credentials that signed it.
  const become = (as: CredentialsTrouble["errorCode"], text: string): CredentialsTrouble =>
    new CredentialsTrouble(as, text, { cause: cause ?? new Error(words) });
  if (response !== undefined) return refused(response, become);
  if (cause !== undefined) {
    // Only a request for a token failed: nothing was asked of the store yet.
    const { code: as } = cause;
    const isFinal = as === "store-denied" || as === "usage";
    return become(isFinal ? as : "store-busy", `could not get a token: ${cause.message}`);
  }
  if (message.startsWith("Could not load the default credentials")) {
    return become("store-denied", noneFound);
  }
  if (code.startsWith("ERR_OSSL") || /does not contain an? |private key|DECODER/i.test(message)) {
    return become("usage", `the credential can't be used: ${words}; download its key again`);
  }
  return become("store-busy", `the source of credentials fails: ${words}; trying again`);
}

type Become = (code: CredentialsTrouble["errorCode"], text: string) => CredentialsTrouble;

function refused(
  { status, data }: { readonly status: number; readonly data?: unknown },
  become: Become,
): CredentialsTrouble {
  const { error, error_description: description } = refusalText.parse(data);
  const said = foreignText(description === "" ? error : `${error}: ${description}`);
  const told = `the token service says ${said} (status ${status})`;
  if (status === 429 || status === 408 || status >= 500) {
    return become("store-busy", `${told}; trying again`);
  }
  if (/\biat\b|\bexp\b|timeframe/.test(description)) {
    return become(
      "store-clock",
      `${told}: this machine's clock is off; set it, and keep it right with NTP`,
    );
  }
  if (/rapt|reauth/i.test(said)) {
    return become(
      "store-denied",
      `${told}: sign in again with \`gcloud auth application-default login\``,
    );
  }
  return become(
    "store-denied",
    `${told}: the credential is refused; check that its account is enabled and its key not deleted`,
  );
}

const failure = z
  .object({
    message: z.string().catch("no message"),
    code: z.union([z.string(), z.number()]).transform(String).catch(""),
    cause: z.unknown().optional(),
    response: z
      .object({ status: z.number(), data: z.unknown().optional() })
      .optional()
      .catch(undefined),
  })
  .catch({ message: "no message", code: "", cause: undefined, response: undefined });

function failureOf(error: unknown) {
  const { cause, ...rest } = failure.parse(error);
  return { ...rest, cause: cause instanceof ScbError ? cause : undefined };
}
