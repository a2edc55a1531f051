import { shellQuote } from "../runtime/shell-quote.ts";
import { formatGcsLocation, type GcsLocation, gcsText, parseGcsLocation } from "./gcs-location.ts";
import type { StockTools, StoreKind } from "./store-kind.ts";

/** Google Cloud Storage, through its own API. Loads Google's auth library only here. */
export const gcsKind: StoreKind<GcsLocation> = {
  kind: "gs",
  scheme: "gs:",
  form: gcsText.form,
  parameters: "credentials=FILE&endpoint=…",
  parse: parseGcsLocation,
  format: formatGcsLocation,
  async open({ bucket, prefix, credentials, endpoint }, options) {
    const { requestTimeoutMs, connectTimeoutMs, clock } = options;
    const [{ GcsRequests }, { GcsStore }] = await Promise.all([
      import("./gcs-requests.ts"),
      import("./gcs-store.ts"),
    ]);
    const location = `gs://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    const patience = { requestTimeoutMs, connectTimeoutMs };
    const requests = await GcsRequests.open({
      location,
      endpoint,
      credentials,
      clock,
      ...patience,
    });
    return new GcsStore({ requests, bucket, prefix, requestTimeoutMs, clock });
  },
  access: {
    kept: "The Google account or key that reads the bucket is kept",
    severalKept: "The Google accounts or keys that read the buckets are kept",
    credentials:
      "Sign in with gcloud auth login, or name the key's file with gcloud auth activate-service-account --key-file FILE; for scb-mirror in GOOGLE_APPLICATION_CREDENTIALS.",
    severalCredentials: "Two accounts need a file each: ?credentials=FILE in --to names it.",
  },
  leastRights: ({ bucket, prefix }, folder) => {
    const objects = `projects/_/buckets/${bucket}/objects/${prefix === "" ? "" : `${prefix}/`}${folder}`;
    return {
      advice: [
        "Create two custom roles: one with storage.objects.create, .get and .list on the bucket, and one with storage.objects.delete, which Google requires for replacing an object, under the condition below. Turn on object versioning and soft delete.",
      ],
      policy: {
        title: "IAM condition for storage.objects.delete",
        text: [
          `resource.name == "${objects}/latest.json"`,
          `resource.name.startsWith("${objects}/mirrors/")`,
          `resource.name.startsWith("${objects}/probe/")`,
        ].join(" ||\n"),
      },
    };
  },
  stockTools,
};

/** `B` is where the node's backups are. */
function stockTools({ bucket, prefix }: GcsLocation, folder: string): StockTools {
  const path = prefix === "" ? folder : `${prefix}/${folder}`;
  return {
    variables: [`B=${shellQuote(`gs://${bucket}/${path}`)}`],
    show: (key) => `gcloud storage cat "$B/${key}"`,
    copy: (key, to) => `gcloud storage cp "$B/${key}" ${to}`,
    list: (below) => `gcloud storage ls "$B/${below}"`,
    curl: null,
  };
}
