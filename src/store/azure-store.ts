import type { ContainerClient } from "@azure/storage-blob";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { md5 } from "../runtime/md5.ts";
import { codeOf, etagOf, notAzure } from "./azure-errors.ts";
import { AzureInspection } from "./azure-inspection.ts";
import { fromAzureHeaders, toAzureMetadata } from "./azure-metadata.ts";
import type { AzureRequests, AzureSession } from "./azure-requests.ts";
import {
  type BucketContent,
  BucketStore,
  type BucketTarget,
  type PageRequest,
} from "./bucket-store.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { ListingPage } from "./listing-pages.ts";
import type { ObjectInfo, StoredObject } from "./object-store.ts";
import { etagConditions, unmetError } from "./put-condition.ts";
import type { StoreInspection } from "./store-inspection.ts";

export interface AzureStoreOptions {
  /** The store closes it. */
  readonly requests: AzureRequests;
  /** No slash at either end; "" for the container's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  /** How many names to request at once. Default: as many as the service gives. */
  readonly pageSize?: number;
  readonly clock?: Clock;
}

const mostOnPage = 5_000;
/** Azure's form of an etag. A `*`, or part of an etag, would mean something else in a condition. */
const etagPattern = /^"0x[0-9A-Fa-f]{1,32}"$/;

/** A container of Azure Blob Storage, or what lies under a prefix of one. */
export class AzureStore extends BucketStore {
  readonly inspection: StoreInspection;
  readonly #requests: AzureRequests;
  readonly #pageSize: number;

  constructor(options: AzureStoreOptions) {
    const { requests, prefix, requestTimeoutMs } = options;
    const { pageSize = mostOnPage, clock = systemClock } = options;
    const { location } = requests;
    const expected =
      "a container without hierarchical namespace; check the endpoint and the account";
    super({ location, prefix, requestTimeoutMs, clock, expected });
    this.#requests = requests;
    this.#pageSize = pageSize;
    this.inspection = new AzureInspection({ requests, root: this.root, clock });
  }

  async service(): Promise<string> {
    return this.#requests.endpoint;
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  protected read(target: BucketTarget, maxBytes: number): Promise<StoredObject | null> {
    const { key, name, signal } = target;
    return this.#requests.run({ doing: `read ${key}`, maxBytes, signal }, async (session) => {
      const { answer } = await session.ask((container, abortSignal) =>
        container.getBlockBlobClient(name).download(0, undefined, {
          abortSignal,
          maxRetryRequests: 0,
        }),
      );
      if (this.#isMissing(session, answer)) return null;
      const { body: bytes, headers } = answer;
      const hash = headers["content-md5"];
      if (hash !== undefined && hash !== md5(bytes).toString("base64")) {
        throw new ScbError(
          "store-unknown",
          `cannot ${session.doing}: the bytes that came are not those that the container holds`,
        );
      }
      return { ...infoOf(key, answer, bytes.length, session), bytes };
    });
  }

  protected look(target: BucketTarget): Promise<ObjectInfo | null> {
    const { key, signal } = target;
    return this.#requests.run({ doing: `look at ${key}`, signal }, (session) =>
      this.#find(session, target),
    );
  }

  protected write(target: BucketTarget, content: BucketContent): Promise<{ etag: string }> {
    const { key, name, signal } = target;
    const { bytes, metadata, contentType, condition } = content;
    const operation = { doing: `write ${key}`, uploadBytes: bytes.length, signal };
    return this.#requests.run(operation, async (session) => {
      if (condition?.kind === "match" && !etagPattern.test(condition.etag)) {
        throw await this.#unmet(session, target);
      }
      const { answer } = await session.ask((container, abortSignal) =>
        container.getBlockBlobClient(name).upload(bytes, bytes.length, {
          abortSignal,
          conditions: etagConditions(condition),
          metadata: toAzureMetadata(metadata),
          blobHTTPHeaders: { blobContentType: contentType, blobContentMD5: md5(bytes) },
        }),
      );
      if (answer.status === 201) return { etag: etagOf(answer, session.doing) };
      const isUnmet = answer.status === 412 && codeOf(answer) === "ConditionNotMet";
      const isGone = answer.status === 404 && codeOf(answer) === "BlobNotFound";
      if (condition?.kind === "match" && (isUnmet || isGone)) {
        throw await this.#unmet(session, target);
      }
      throw this.#unexpected(session, answer);
    });
  }

  protected async remove({ key, name, signal }: BucketTarget): Promise<void> {
    await this.#requests.run({ doing: `delete ${key}`, signal }, async (session) => {
      const { answer } = await session.ask((container, abortSignal) =>
        container.getBlockBlobClient(name).delete({ abortSignal }),
      );
      if (answer.status === 202 || this.#isMissing(session, answer)) return;
      throw this.#unexpected(session, answer);
    });
  }

  protected page(request: PageRequest): Promise<ListingPage> {
    const { doing, signal } = request;
    return this.#requests.run({ doing, signal }, async (session) => {
      const { answer, value } = await session.ask((container, abortSignal) =>
        pageOf(container, { ...request, pageSize: this.#pageSize, abortSignal }),
      );
      if (answer.status !== 200) throw this.#unexpected(session, answer);
      if (value !== undefined) return value;
      throw new ScbError("store-unknown", `cannot ${session.doing}: ${notAzure(answer)}`);
    });
  }

  async #find(session: AzureSession, { key, name }: BucketTarget): Promise<ObjectInfo | null> {
    const { answer } = await session.ask((container, abortSignal) =>
      container.getBlockBlobClient(name).getProperties({ abortSignal }),
    );
    if (this.#isMissing(session, answer)) return null;
    return infoOf(key, answer, Number(answer.headers["content-length"] ?? Number.NaN), session);
  }

  /** Whether Azure says that there is no such blob. Throws for any other failure. */
  #isMissing(session: AzureSession, answer: HttpAnswer): boolean {
    if (answer.status === 404 && codeOf(answer) === "BlobNotFound") return true;
    if (answer.status < 200 || answer.status >= 300) throw this.#unexpected(session, answer);
    return false;
  }

  /** Azure says of a blob that isn't there what it says of one that has changed. */
  async #unmet(session: AzureSession, target: BucketTarget): Promise<ScbError> {
    const isGone = (await this.#find(session, target)) === null;
    return unmetError(isGone, session.doing, "it has changed");
  }

  /** The error for an unexpected answer. */
  #unexpected({ doing }: AzureSession, answer: HttpAnswer): ScbError {
    return answer.status >= 300
      ? this.#requests.refused(answer, doing)
      : new ScbError("store-unknown", `cannot ${doing}: ${notAzure(answer)}`);
  }
}

/** What is read of the SDK's pages of both kinds. */
interface SdkPage {
  readonly prefix?: string;
  readonly continuationToken?: string;
  readonly segment: {
    readonly blobPrefixes?: readonly { readonly name: string }[];
    readonly blobItems: readonly {
      readonly name: string;
      readonly properties: { readonly contentLength?: number; readonly lastModified: Date };
    }[];
  };
}

/** The result of one listing request; undefined if it has none. */
async function pageOf(
  container: ContainerClient,
  request: PageRequest & { readonly pageSize: number; readonly abortSignal: AbortSignal },
): Promise<ListingPage | undefined> {
  const { prefix, isByFolder, token, pageSize, abortSignal } = request;
  const options = { prefix, abortSignal };
  const setting = {
    maxPageSize: pageSize,
    ...(token === undefined ? {} : { continuationToken: token }),
  };
  const pages: AsyncIterable<SdkPage> = isByFolder
    ? container.listBlobsByHierarchy("/", options).byPage(setting)
    : container.listBlobsFlat(options).byPage(setting);
  const { value } = await pages[Symbol.asyncIterator]().next();
  if (value === undefined) return undefined;
  const { segment, continuationToken = "" }: SdkPage = value;
  return {
    prefix: value.prefix ?? "",
    folders: (segment.blobPrefixes ?? []).map(({ name }) => name),
    objects: segment.blobItems.map(({ name, properties }) => {
      const sizeBytes = properties.contentLength ?? Number.NaN;
      return { name, sizeBytes, modifiedAt: properties.lastModified.getTime() };
    }),
    next: continuationToken === "" ? null : continuationToken,
  };
}

function infoOf(
  key: string,
  answer: HttpAnswer,
  sizeBytes: number,
  { doing }: AzureSession,
): ObjectInfo {
  const { headers, status } = answer;
  const modifiedAt = Date.parse(headers["last-modified"] ?? "");
  if (status !== 200 || Number.isNaN(modifiedAt) || !Number.isSafeInteger(sizeBytes)) {
    throw new ScbError("store-unknown", `cannot ${doing}: ${notAzure(answer, "no blob")}`);
  }
  const metadata = fromAzureHeaders(headers);
  return { key, sizeBytes, etag: etagOf(answer, doing), modifiedAt, metadata };
}
