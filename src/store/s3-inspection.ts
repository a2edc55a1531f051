import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  type ObjectLockConfiguration,
} from "@aws-sdk/client-s3";
import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import type { RequestOptions } from "./object-store.ts";
import type { S3Requests } from "./s3-requests.ts";
import type { DeleteRights, ObjectLock, StoreInspection, StoreSurvey } from "./store-inspection.ts";

export interface S3InspectionOptions {
  readonly requests: S3Requests;
  readonly bucket: string;
  /** "" or ends in "/". */
  readonly root: string;
  readonly clock: Clock;
}

/** The version id of an object older than its bucket's versioning. It is valid for every key. */
const nullVersion = "null";

/** The codes for a bucket without object lock. */
const unlockedCodes = ["ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"];

/** What the S3 API reports about a bucket's set-up. */
export class S3Inspection implements StoreInspection {
  readonly rights = {
    versioning: "s3:GetBucketVersioning",
    objectLock: "s3:GetBucketObjectLockConfiguration",
    deleting:
      "s3:DeleteObject and s3:DeleteObjectVersion from their policy, or leave s3:DeleteObject for the folder probe/ alone",
  };
  readonly #options: S3InspectionOptions;

  constructor(options: S3InspectionOptions) {
    this.#options = options;
  }

  async survey(options: RequestOptions = {}): Promise<StoreSurvey> {
    const { versioning, clockSkewMs } = await this.#versioning(options);
    return { versioning, clockSkewMs, objectLock: await this.#objectLock(options) };
  }

  async mayDelete(key: string, { signal }: RequestOptions = {}): Promise<DeleteRights> {
    const { requests, bucket, root } = this.#options;
    const target = { Bucket: bucket, Key: `${root}${key}` };
    const expected = { kind: "deleted" } as const;
    const marker = await permitted(async () => {
      const request = { doing: `delete ${key}`, expected, signal };
      return requests.find(new DeleteObjectCommand(target), request);
    });
    const VersionId =
      marker !== "denied" && marker?.DeleteMarker === true ? marker.VersionId : undefined;
    const aVersion = new DeleteObjectCommand({ ...target, VersionId: VersionId ?? nullVersion });
    const version = await permitted(async () => {
      const request = { doing: `delete a version of ${key}`, expected, signal };
      return requests.find(aVersion, request);
    });
    return {
      objects: marker !== "denied",
      versions: version !== "denied",
      leftMarker: VersionId !== undefined && version === "denied",
    };
  }

  /** Every answer has a date, even a refusal. */
  async #versioning({
    signal,
  }: RequestOptions): Promise<Pick<StoreSurvey, "versioning" | "clockSkewMs">> {
    const { requests, bucket, clock } = this.#options;
    let clockSkewMs: number | null = null;
    const answer = await permitted(() =>
      requests.send(new GetBucketVersioningCommand({ Bucket: bucket }), {
        doing: "ask for its versioning",
        expected: { kind: "document", root: "VersioningConfiguration" },
        signal,
        onAnswer: ({ headers }, sentAt) => {
          const date = Date.parse(headers["date"] ?? "");
          // Half a second more, because the date has no fractions.
          if (!Number.isNaN(date)) clockSkewMs = (sentAt + clock.now()) / 2 - (date + 500);
        },
      }),
    );
    return { versioning: versioningOf(answer), clockSkewMs };
  }

  async #objectLock({ signal }: RequestOptions): Promise<ObjectLock> {
    const { requests, bucket } = this.#options;
    const answer = await permitted(async () => {
      const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
      const request = {
        doing: "ask for its object lock",
        expected: { kind: "document", root: "ObjectLockConfiguration" },
        signal,
      } as const;
      return requests.find(command, request, unlockedCodes);
    });
    if (answer === "denied") return { kind: "unknown" };
    const { ObjectLockConfiguration = {} } = answer ?? {};
    if (ObjectLockConfiguration.ObjectLockEnabled !== "Enabled") return { kind: "off" };
    return { kind: "on", retention: retentionOf(ObjectLockConfiguration) };
  }
}

/** "denied" if the credential may not, or if the service doesn't know the request. */
async function permitted<T>(send: () => Promise<T>): Promise<T | "denied"> {
  try {
    return await send();
  } catch (error) {
    if (hasCode(error, "store-denied", "store-rejected")) return "denied";
    throw error;
  }
}

function versioningOf(
  answer: { Status?: string | undefined } | "denied",
): StoreSurvey["versioning"] {
  if (answer === "denied") return "unknown";
  if (answer.Status === "Enabled") return "on";
  return answer.Status === undefined ? "off" : "suspended";
}

function retentionOf({ Rule }: ObjectLockConfiguration): string | null {
  const { Mode, Days, Years } = Rule?.DefaultRetention ?? {};
  if (Mode === undefined) return null;
  return `${Mode}, ${Days === undefined ? `${Years} years` : `${Days} days`}`;
}
