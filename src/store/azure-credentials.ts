import type { TokenCredential } from "@azure/identity";
import { StorageSharedKeyCredential } from "@azure/storage-blob";
import { z } from "zod";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { readSmallFile } from "../runtime/small-file.ts";
import type { AzureLocation } from "./azure-location.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";

/** How requests to an account are authorized. */
export type AzureCredentials =
  | { readonly kind: "key"; readonly credential: StorageSharedKeyCredential }
  /** Part of each URL, without "?". */
  | { readonly kind: "sas"; readonly sas: string }
  | { readonly kind: "token"; readonly credential: TokenCredential };

const noneFound =
  "no Azure credentials found: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, name a file with one as ?credentials=FILE, run `az login`, or give this machine a managed identity";

/**
 * A key, a SAS or a connection string: from the file in the location, or else from the environment, under
 * the Azure CLI's names. Otherwise Azure's standard chain of credentials, whose library is loaded only
 * then. Throws "usage", naming the place.
 */
export async function findAzureCredentials({
  account,
  credentials: file,
}: AzureLocation): Promise<AzureCredentials> {
  if (file !== undefined) return credentialsOf(readFile(file), account, `the file ${file}`);
  for (const variable of variables) {
    const text = process.env[variable]?.trim() ?? "";
    if (text !== "") return credentialsOf(text, account, variable);
  }
  const { DefaultAzureCredential } = await import("@azure/identity");
  return { kind: "token", credential: explained(new DefaultAzureCredential()) };
}

const variables = [
  "AZURE_STORAGE_KEY",
  "AZURE_STORAGE_SAS_TOKEN",
  "AZURE_STORAGE_CONNECTION_STRING",
] as const;

function readFile(path: string): string {
  try {
    return readSmallFile(path).trim();
  } catch (error) {
    throw new ScbError(
      "usage",
      `the file ${path} in the abs location can't be read: ${ScbError.from(error).message}`,
      { cause: error },
    );
  }
}

/** The text is never repeated in a message. */
function credentialsOf(text: string, account: string, place: string): AzureCredentials {
  const fields = new Map(
    text.split(";").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  const named = fields.get("AccountName") ?? account;
  if (named !== account) {
    throw new ScbError(
      "usage",
      `${place} is for a different storage account than the abs location`,
    );
  }
  const sas = fields.get("SharedAccessSignature") ?? (/\bsig=/.test(text) ? text : undefined);
  if (sas !== undefined && /^[\x21-\x7e]+$/.test(sas)) {
    return { kind: "sas", sas: sas.replace(/^\?/, "") };
  }
  const key = fields.get("AccountKey") ?? text;
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(key)) {
    throw new ScbError(
      "usage",
      `${place} holds no Azure account key, SAS or connection string: copy it again`,
    );
  }
  return { kind: "key", credential: new StorageSharedKeyCredential(account, key) };
}

/** Wraps the chain so that it says why there is no token. Throws `CredentialsTrouble`. */
function explained(chain: TokenCredential): TokenCredential {
  return {
    async getToken(scopes, options) {
      try {
        return await chain.getToken(scopes, options);
      } catch (error) {
        throw troubleOf(error);
      }
    },
  };
}

const failure = z
  .object({
    name: z.string().catch("Error"),
    message: z.string().catch("no message"),
    statusCode: z.number().optional().catch(undefined),
    errors: z.array(z.object({ name: z.string() })).catch([]),
  })
  .catch({ name: "Error", message: "no message", statusCode: undefined, errors: [] });

function troubleOf(error: unknown): CredentialsTrouble {
  const { name, message, statusCode, errors } = failure.parse(error);
  const words = foreignText(message);
  const cause = Object.assign(new Error(words), { statusCode });
  const unavailable = "CredentialUnavailableError";
  const isNone =
    name === unavailable ||
    (errors.length > 0 && errors.every((each) => each.name === unavailable));
  if (isNone) return new CredentialsTrouble("store-denied", noneFound, { cause });
  const isRefused = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return isRefused && statusCode !== 429
    ? new CredentialsTrouble(
        "store-denied",
        `Microsoft Entra refuses the credential (${words}): check it, and whether it has expired`,
        { cause },
      )
    : new CredentialsTrouble("store-busy", `could not get a token, trying again: ${words}`, {
        cause,
      });
}
