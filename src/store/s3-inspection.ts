import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  type ObjectLockConfiguration,
  type S3Client,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import type { RequestOptions } from "./object-store.ts";
import { readS3Failure, saysMissing, translateS3Error } from "./s3-errors.ts";
import type { DeleteRights, ObjectLock, StoreInspection, StoreSurvey } from "./store-inspection.ts";

export interface S3InspectionOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** "" or ends in "/". */
  readonly root: string;
  /** For people. */
  readonly location: string;
  readonly clock: Clock;
}

/** The version id of an object from before its bucket kept versions; every key may be asked for it. */
const nullVersion = "null";

const datedAnswer = z.object({ headers: z.object({ date: z.string() }) });

/** What the S3 API tells of a bucket's set-up. */
export class S3Inspection implements StoreInspection {
  readonly #options: S3InspectionOptions;

  constructor(options: S3InspectionOptions) {
    this.#options = options;
  }

  async survey(options: RequestOptions = {}): Promise<StoreSurvey> {
    const { versioning, clockSkewMs } = await this.#versioning(options);
    return { versioning, clockSkewMs, objectLock: await this.#objectLock(options) };
  }

  async mayDelete(key: string, options: RequestOptions = {}): Promise<DeleteRights> {
    const { client, bucket, root } = this.#options;
    const target = { Bucket: bucket, Key: `${root}${key}` };
    const marker = await this.#permitted(`delete ${key}`, options, () =>
      unlessMissing(client.send(new DeleteObjectCommand(target), handling(options))),
    );
    const VersionId = marker?.DeleteMarker === true ? marker.VersionId : undefined;
    const aVersion = new DeleteObjectCommand({ ...target, VersionId: VersionId ?? nullVersion });
    const version = await this.#permitted(`delete a version of ${key}`, options, () =>
      unlessMissing(client.send(aVersion, handling(options))),
    );
    return {
      objects: marker !== null,
      versions: version !== null,
      leftMarker: VersionId !== undefined && version === null,
    };
  }

  /** A date comes with every answer, a refusal too. */
  async #versioning(
    options: RequestOptions,
  ): Promise<Pick<StoreSurvey, "versioning" | "clockSkewMs">> {
    const { client, bucket, clock } = this.#options;
    let clockSkewMs: number | null = null;
    const command = new GetBucketVersioningCommand({ Bucket: bucket });
    command.middlewareStack.add(
      (next) => async (args) => {
        const sentAt = clock.now();
        const result = await next(args);
        const dated = datedAnswer.safeParse(result.response);
        const date = Date.parse(dated.data?.headers.date ?? "");
        // Half a second more, for the date has no fractions.
        if (!Number.isNaN(date)) clockSkewMs = (sentAt + clock.now()) / 2 - (date + 500);
        return result;
      },
      // Next to the request itself: the date is seen before the answer is taken for an error.
      { step: "deserialize", priority: "low" },
    );
    const answer = await this.#permitted("ask for its versioning", options, () =>
      client.send(command, handling(options)),
    );
    return { versioning: versioningOf(answer), clockSkewMs };
  }

  async #objectLock(options: RequestOptions): Promise<ObjectLock> {
    const { client, bucket } = this.#options;
    const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
    // A bucket without a lock is answered by a 404.
    const answer = await this.#permitted("ask for its object lock", options, () =>
      unlessMissing(client.send(command, handling(options))),
    );
    if (answer === null) return { kind: "unknown" };
    const { ObjectLockConfiguration = {} } = answer;
    if (ObjectLockConfiguration.ObjectLockEnabled !== "Enabled") return { kind: "off" };
    return { kind: "on", retention: retentionOf(ObjectLockConfiguration) };
  }

  /** Null where the credential may not, or the service does not know the request. */
  async #permitted<T>(
    what: string,
    { signal }: RequestOptions,
    send: () => Promise<T>,
  ): Promise<T | null> {
    const { location, clock } = this.#options;
    try {
      return await send();
    } catch (thrown) {
      const error = translateS3Error(thrown, { doing: `${what} in ${location}`, signal, clock });
      if (hasCode(error, "store-denied", "store-rejected")) return null;
      throw error;
    }
  }
}

function handling({ signal }: RequestOptions): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** "Not there" as an answer without content: the request itself was allowed. */
async function unlessMissing<T extends object>(answer: Promise<T>): Promise<Partial<T>> {
  try {
    return await answer;
  } catch (error) {
    if (saysMissing(readS3Failure(error))) return {};
    throw error;
  }
}

function versioningOf(answer: { Status?: string | undefined } | null): StoreSurvey["versioning"] {
  if (answer === null) return "unknown";
  if (answer.Status === "Enabled") return "on";
  return answer.Status === undefined ? "off" : "suspended";
}

function retentionOf({ Rule }: ObjectLockConfiguration): string | null {
  const { Mode, Days, Years } = Rule?.DefaultRetention ?? {};
  if (Mode === undefined) return null;
  return `${Mode}, ${Days === undefined ? `${Years} years` : `${Days} days`}`;
}
