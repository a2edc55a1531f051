import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import { codeOf } from "./azure-errors.ts";
import type { AzureRequests } from "./azure-requests.ts";
import type { RequestOptions } from "./object-store.ts";
import type { DeleteRights, StoreInspection, StoreSurvey } from "./store-inspection.ts";

export interface AzureInspectionOptions {
  readonly requests: AzureRequests;
  /** "" or ends in "/". */
  readonly root: string;
  readonly clock: Clock;
}

/**
 * What the data plane reports about a container. It doesn't report versioning, a setting of the account.
 */
export class AzureInspection implements StoreInspection {
  readonly rights = {
    versioning: "only Azure's portal and az storage account blob-service-properties tell",
    objectLock: "read on the container itself: an SAS of one has none",
    deleting: "delete (d) and delete version (x) from the SAS, or the Data Contributor role",
  };
  readonly #options: AzureInspectionOptions;

  constructor(options: AzureInspectionOptions) {
    this.#options = options;
  }

  async survey({ signal }: RequestOptions = {}): Promise<StoreSurvey> {
    const { requests, clock } = this.#options;
    return requests.run({ doing: "ask for its set-up", signal }, async ({ ask, doing }) => {
      const sentAt = clock.now();
      const { answer } = await ask((container, abortSignal) =>
        container.getProperties({ abortSignal }),
      );
      const { status, headers } = answer;
      const date = Date.parse(headers["date"] ?? "");
      // Half a second more, because the date has no fractions.
      const clockSkewMs = Number.isNaN(date) ? null : (sentAt + clock.now()) / 2 - (date + 500);
      if (status !== 200) {
        const refused = requests.refused(answer, doing);
        if (!hasCode(refused, "store-denied", "store-rejected")) throw refused;
        return { clockSkewMs, versioning: "unknown", objectLock: { kind: "unknown" } };
      }
      const isVersioned = headers["x-ms-immutable-storage-with-versioning-enabled"] === "true";
      const isLocked = ["x-ms-has-immutability-policy", "x-ms-has-legal-hold"].some(
        (name) => headers[name] === "true",
      );
      return {
        clockSkewMs,
        versioning: isVersioned ? "on" : "unknown",
        objectLock: isLocked
          ? { kind: "on", retention: "an immutability policy or a legal hold" }
          : { kind: "off" },
      };
    });
  }

  async mayDelete(key: string, { signal }: RequestOptions = {}): Promise<DeleteRights> {
    const { requests, root } = this.#options;
    const isAllowed = await requests.run(
      { doing: `delete ${key}`, signal },
      async ({ ask, doing }) => {
        const { answer } = await ask((container, abortSignal) =>
          container.getBlockBlobClient(`${root}${key}`).delete({ abortSignal }),
        );
        const { status } = answer;
        if (status === 202 || (status === 404 && codeOf(answer) === "BlobNotFound")) return true;
        const refused = requests.refused(answer, doing);
        if (hasCode(refused, "store-denied")) return false;
        throw refused;
      },
    );
    // In a SAS, deleting a version is a separate permission, but whatever withholds that withholds this
    // one too.
    return { objects: isAllowed, versions: false, leftMarker: false };
  }
}
