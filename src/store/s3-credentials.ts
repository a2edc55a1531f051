import { z } from "zod";
import type { ErrorCode } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";
import { metadataTrouble } from "./s3-metadata-service.ts";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Provider<C extends Credentials> = (properties?: Record<string, unknown>) => Promise<C>;

/** The parts of a credential, by the names that people know. */
const parts = [
  { field: "accessKeyId", variable: "AWS_ACCESS_KEY_ID" },
  { field: "secretAccessKey", variable: "AWS_SECRET_ACCESS_KEY" },
  { field: "sessionToken", variable: "AWS_SESSION_TOKEN" },
] as const;

const noneFound =
  "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with a profile in ~/.aws, or give this machine or container a role";

/** An error of a credential service (STS, SSO), or of the system on the way to it. */
const sourceError = z.object({
  name: z.string(),
  message: z.string(),
  code: z.string().optional().catch(undefined),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional().catch(undefined),
});

/**
 * The SDK's chain of credentials, which also says why there are none. The chain itself skips each failing
 * source and ends with "none found", whether nothing is set up, a person has to sign in, or the source is
 * temporarily away. Throws `CredentialsTrouble`: "usage", "store-denied" or "store-busy".
 */
export function explainedCredentials<C extends Credentials>(
  standard: {
    readonly credentialDefaultProvider?: ((init: object) => Provider<C>) | undefined;
  },
  profile: string | undefined = process.env["AWS_PROFILE"],
): (init: object) => Provider<C> {
  return (init) => {
    const said: string[] = [];
    const provider = standard.credentialDefaultProvider?.({ ...init, logger: listener(said) });
    let hadSome = false;
    return async (properties) => {
      said.length = 0;
      if (provider === undefined)
        throw new CredentialsTrouble("internal", "the SDK has no credentials");
      let credentials: C;
      try {
        credentials = await provider(properties);
      } catch (error) {
        throw await explain(error, said, { hadSome, profile });
      }
      checkCharacters(credentials);
      hadSome = true;
      return credentials;
    };
  };
}

/** The SDK logs errors that it then swallows. */
function listener(said: string[]): object {
  const ignore = (): void => undefined;
  return {
    trace: ignore,
    debug(...texts: readonly unknown[]) {
      const [, told] = /^@smithy\/property-provider \S+ (.*)$/s.exec(texts.join(" ")) ?? [];
      if (told !== undefined && said.length < 100) said.push(told);
    },
    info: ignore,
    warn: ignore,
    error: ignore,
  };
}

async function explain(
  error: unknown,
  said: readonly string[],
  { hadSome, profile }: { readonly hadSome: boolean; readonly profile: string | undefined },
): Promise<CredentialsTrouble> {
  const { name, message, code, $metadata } = sourceError
    .catch({ name: "Error", message: "no message" })
    .parse(error);
  const words = foreignText(message);
  const status = $metadata?.httpStatusCode;
  const become = (as: ErrorCode, text: string): CredentialsTrouble => {
    const cause = Object.assign(new Error(words), { code, status });
    cause.name = name;
    return new CredentialsTrouble(as, text, { cause });
  };
  if (status !== undefined) {
    const isPersons =
      status >= 400 && status < 500 && status !== 429 && !/thrott|IDPComm/i.test(name);
    const told = `the credential service says ${foreignText(name)}, status ${status}: ${words}`;
    return isPersons
      ? become("store-denied", `${told}; check the role, and who may assume it`)
      : become("store-busy", `${told}; trying again`);
  }
  if (name === "TokenProviderError" || /aws sso login/.test(message)) {
    return become(
      "store-denied",
      `the profile's sign-in has expired: run \`aws sso login\` (${words})`,
    );
  }
  if (code === "ENOENT" || code === "EACCES") {
    return become("store-denied", `the credentials can't be read: ${words}`);
  }
  if (message !== "Could not load credentials from any providers") {
    return become("store-busy", `the source of credentials fails: ${words}; trying again`);
  }
  const program = said.find((text) => /^Command failed|credential_process returned/.test(text));
  if (program !== undefined) {
    // The command may hold a secret; the lines after it are the program's output.
    const [first = "", ...rest] = program.split("\n");
    const reason = foreignText(first.startsWith("Command failed") ? rest.join(" ") : first);
    return become("store-busy", `the profile's credential_process fails (${reason}); trying again`);
  }
  const trouble = await metadataTrouble(hadSome);
  if (trouble !== null) return become("store-busy", `${trouble}; trying again`);
  const missing = said.find((text) => /^Could not resolve credentials using profile/.test(text));
  return profile !== undefined && missing !== undefined
    ? become("store-denied", `the AWS profile gives no credentials: ${foreignText(missing)}`)
    : become("store-denied", noneFound);
}

/**
 * Characters that can't be in a header make the request fail before it is sent. What slipped in while
 * copying isn't part of the secret.
 */
function checkCharacters(credentials: Credentials): void {
  for (const { field, variable } of parts) {
    const value = credentials[field];
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) continue;
    const place =
      process.env[variable] === value
        ? variable
        : `the ${variable} from the AWS profile, or from the source that it names,`;
    throw new CredentialsTrouble(
      "usage",
      `${place} holds white space, a line break or another character that no key has: copy it again`,
    );
  }
}
