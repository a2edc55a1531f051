import {
  checkEndpoint,
  formatParameters,
  type LocationText,
  parseLocationUrl,
  parseParameters,
  parsePrefix,
  usage,
} from "./location-text.ts";

/** A container of Azure Blob Storage, or the part of one under a prefix. */
export interface AzureLocation {
  readonly kind: "abs";
  readonly account: string;
  readonly container: string;
  /** No slash at either end; "" for the container's root. */
  readonly prefix: string;
  /** A file with a key, a SAS or a connection string. Default: the standard Azure places. */
  readonly credentials?: string;
  /** The account's blob endpoint: what precedes the container's name. Default: Azure's public cloud. */
  readonly endpoint?: string;
}

export const azureText = {
  name: "the abs location",
  form: "abs://ACCOUNT@CONTAINER[/PREFIX]",
  credentialRemedy:
    "credentials don't belong in a location, where logs and process lists show them: use AZURE_STORAGE_KEY, or name a file as ?credentials=FILE",
  hasAccount: true,
} as const satisfies LocationText;

const accountPattern = /^[a-z0-9]{3,24}$/;
const containerPattern = /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** Parses `abs://ACCOUNT@CONTAINER[/PREFIX][?credentials=FILE&endpoint=…]`. Throws "usage". */
export function parseAzureLocation(text: string): AzureLocation {
  const url = parseLocationUrl(text, azureText);
  if (!accountPattern.test(url.username)) {
    throw usage(
      "the account in the abs location is not a storage account's name: use 3 to 24 lower-case letters and digits, before the @",
    );
  }
  if (!containerPattern.test(url.hostname)) {
    throw usage(
      "the container in the abs location is not a container's name: use lower-case letters, digits and single -",
    );
  }
  const prefix = parsePrefix(url.pathname, azureText);
  const names = ["credentials", "endpoint"] as const;
  const { credentials, endpoint } = parseParameters(url.searchParams, names, azureText);
  if (credentials === "") throw usage("the credentials in the abs location must be a file's path");
  return {
    kind: "abs",
    account: url.username,
    container: url.hostname,
    prefix,
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined
      ? {}
      : { endpoint: checkEndpoint(endpoint, "the endpoint in the abs location") }),
  };
}

export function formatAzureLocation(location: AzureLocation): string {
  const { account, container, prefix, credentials, endpoint } = location;
  const path = prefix === "" ? "" : `/${prefix}`;
  return `abs://${account}@${container}${path}${formatParameters({ credentials, endpoint })}`;
}
