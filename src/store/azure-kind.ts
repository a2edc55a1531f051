import { shellQuote } from "../runtime/shell-quote.ts";
import {
  type AzureLocation,
  azureText,
  formatAzureLocation,
  parseAzureLocation,
} from "./azure-location.ts";
import type { StockTools, StoreKind } from "./store-kind.ts";

/** Azure Blob Storage. Loads Microsoft's SDK only here, because it is large. */
export const azureKind: StoreKind<AzureLocation> = {
  kind: "abs",
  scheme: "abs:",
  form: azureText.form,
  parameters: "credentials=FILE&endpoint=…",
  parse: parseAzureLocation,
  format: formatAzureLocation,
  async open(location, { requestTimeoutMs, connectTimeoutMs, clock }) {
    const [{ AzureRequests }, { AzureStore }] = await Promise.all([
      import("./azure-requests.ts"),
      import("./azure-store.ts"),
    ]);
    const patience = { requestTimeoutMs, connectTimeoutMs };
    const requests = await AzureRequests.open({ location, clock, ...patience });
    return new AzureStore({ requests, prefix: location.prefix, requestTimeoutMs, clock });
  },
  access: {
    kept: "The Azure account, key or SAS that reads the container is kept",
    severalKept: "The Azure accounts, keys or SAS that read the containers are kept",
    credentials:
      "Sign in with az login, or put the account's key into AZURE_STORAGE_KEY, or a SAS into AZURE_STORAGE_SAS_TOKEN.",
    severalCredentials: "Two accounts need a file each: ?credentials=FILE in --to names it.",
  },
  leastRights: ({ container }) => ({
    advice: [
      `Make a SAS for the container ${container} with read, create, write and list (sp=rcwl): it can mirror but not delete. Turn on blob versioning and soft delete in the account.`,
    ],
    policy: null,
  }),
  stockTools,
};

/** `B` is where the node's backups are in the container. */
function stockTools(location: AzureLocation, folder: string): StockTools {
  const { account, container, prefix, endpoint } = location;
  const path = prefix === "" ? folder : `${prefix}/${folder}`;
  const service = endpoint === undefined ? "" : ` --blob-endpoint ${shellQuote(endpoint)}`;
  const flags = `--account-name ${account} -c ${container}${service}`;
  return {
    variables: [`B=${shellQuote(path)}`],
    show: (key) => `az storage blob download ${flags} -n "$B/${key}" --no-progress`,
    copy: (key, to) => `az storage blob download ${flags} -n "$B/${key}" -f ${to}`,
    list: (below) => `az storage blob list ${flags} --prefix "$B/${below}" -o table`,
    curl: null,
  };
}
