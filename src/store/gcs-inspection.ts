import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import { refusalError } from "./gcs-errors.ts";
import { type GcsRequests, readJson } from "./gcs-requests.ts";
import type { RequestOptions } from "./object-store.ts";
import type { DeleteRights, StoreInspection, StoreSurvey } from "./store-inspection.ts";

export interface GcsInspectionOptions {
  readonly requests: GcsRequests;
  readonly bucket: string;
  /** "" or ends in "/". */
  readonly root: string;
  readonly clock: Clock;
}

const bucketResource = z.object({
  kind: z.literal("storage#bucket"),
  versioning: z.object({ enabled: z.boolean() }).optional(),
  retentionPolicy: z.object({ retentionPeriod: z.string() }).optional(),
});

const unknown: StoreSurvey = {
  clockSkewMs: null,
  versioning: "unknown",
  objectLock: { kind: "unknown" },
};

/** What Google's API reports about a bucket's set-up. */
export class GcsInspection implements StoreInspection {
  readonly rights = {
    versioning: "storage.buckets.get",
    objectLock: "storage.buckets.get",
    // Replacing an object needs this permission too.
    deleting:
      "storage.objects.delete from their roles, but for latest.json, mirrors/ and probe/ (docs/stores.md says how)",
  };
  readonly #options: GcsInspectionOptions;

  constructor(options: GcsInspectionOptions) {
    this.#options = options;
  }

  async survey({ signal }: RequestOptions = {}): Promise<StoreSurvey> {
    const { requests, bucket, clock } = this.#options;
    return requests.run({ doing: "ask for its set-up", signal }, async ({ doing, send }) => {
      const sentAt = clock.now();
      const query = { fields: "kind,versioning,retentionPolicy" };
      const answer = await send({ path: `/storage/v1/b/${bucket}`, query });
      if ("reason" in answer) {
        const refused = refusalError(answer, doing);
        if (hasCode(refused, "store-denied", "store-rejected")) return unknown;
        throw refused;
      }
      const { versioning, retentionPolicy } = readJson(answer, bucketResource, doing);
      const date = Date.parse(answer.headers["date"] ?? "");
      const days = Math.round(Number(retentionPolicy?.retentionPeriod) / 86_400);
      return {
        // Half a second more, because the date has no fractions.
        clockSkewMs: Number.isNaN(date) ? null : (sentAt + clock.now()) / 2 - (date + 500),
        versioning: versioning?.enabled === true ? "on" : "off",
        objectLock:
          retentionPolicy === undefined
            ? { kind: "off" }
            : { kind: "on", retention: `${days} days` },
      };
    });
  }

  async mayDelete(key: string, { signal }: RequestOptions = {}): Promise<DeleteRights> {
    const { requests, bucket, root } = this.#options;
    const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(`${root}${key}`)}`;
    const isAllowed = await requests.run(
      { doing: `delete ${key}`, signal },
      async ({ doing, send }) => {
        const answer = await send({ method: "DELETE", path });
        if (!("reason" in answer) || answer.status === 404) return true;
        const refused = refusalError(answer, doing);
        if (hasCode(refused, "store-denied")) return false;
        throw refused;
      },
    );
    // One permission covers objects and their old generations.
    return { objects: isAllowed, versions: isAllowed, leftMarker: false };
  }
}
