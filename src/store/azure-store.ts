import type { ContainerClient } from "@azure/storage-blob";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { md5 } from "../runtime/md5.ts";
import { codeOf, etagOf, notAzure } from "./azure-errors.ts";
import { AzureInspection } from "./azure-inspection.ts";
import { fromAzureHeaders, toAzureMetadata } from "./azure-metadata.ts";
import type { AzureRequests, AzureSession } from "./azure-requests.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { type ListingPage, listingPages } from "./listing-pages.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  isKey,
  isKeySegment,
} from "./object-key.ts";
import {
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutCondition,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
} from "./object-store.ts";
import type { StoreInspection } from "./store-inspection.ts";
import { operationLimitMs } from "./time-limits.ts";

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

interface ListedBlob {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: number;
}

interface AzurePage extends ListingPage {
  readonly blobs: readonly ListedBlob[];
  readonly folders: readonly string[];
}

const mostOnPage = 5_000;
/** Azure's form of an etag. A `*`, or part of an etag, would mean something else in a condition. */
const etagPattern = /^"0x[0-9A-Fa-f]{1,32}"$/;

/** A container of Azure Blob Storage, or the part of one under a prefix. */
export class AzureStore implements ObjectStore {
  readonly conditions = "enforced";
  readonly location: string;
  readonly inspection: StoreInspection;
  readonly #requests: AzureRequests;
  /** "" or ends in "/". */
  readonly #root: string;
  readonly #limitMs: number;
  readonly #pageSize: number;
  readonly #clock: Clock;

  constructor({
    requests,
    prefix,
    requestTimeoutMs,
    pageSize = mostOnPage,
    clock = systemClock,
  }: AzureStoreOptions) {
    this.location = requests.location;
    this.#requests = requests;
    this.#root = prefix === "" ? "" : `${prefix}/`;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    this.#pageSize = pageSize;
    this.#clock = clock;
    this.inspection = new AzureInspection({ requests, root: this.#root, clock });
  }

  async service(): Promise<string> {
    return this.#requests.endpoint;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { signal, maxBytes = defaultMaxBytes } = options;
    const operation = { doing: `read ${key}`, maxBytes, signal };
    return this.#requests.run(operation, async (session) => {
      const { answer } = await session.ask((container, abortSignal) =>
        this.#blob(container, key).download(0, undefined, { abortSignal, maxRetryRequests: 0 }),
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

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectInfo | null> {
    checkKey(key);
    return this.#requests.run({ doing: `look at ${key}`, signal }, (session) =>
      this.#look(session, key),
    );
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const { condition, metadata = {}, contentType, signal } = options;
    checkMetadata(metadata);
    const body = Buffer.from(bytes);
    const hash = md5(body);
    const operation = { doing: `write ${key}`, uploadBytes: body.length, signal };
    return this.#requests.run(operation, async (session) => {
      if (condition?.kind === "match" && !etagPattern.test(condition.etag)) {
        throw await this.#unmet(session, key);
      }
      const { answer } = await session.ask((container, abortSignal) =>
        this.#blob(container, key).upload(body, body.length, {
          abortSignal,
          conditions: conditionsOf(condition),
          metadata: toAzureMetadata(metadata),
          blobHTTPHeaders: {
            blobContentType: contentType ?? "application/octet-stream",
            blobContentMD5: hash,
          },
        }),
      );
      if (answer.status === 201) return { etag: etagOf(answer, session.doing) };
      const isUnmet = answer.status === 412 && codeOf(answer) === "ConditionNotMet";
      const isGone = answer.status === 404 && codeOf(answer) === "BlobNotFound";
      if (condition?.kind === "match" && (isUnmet || isGone)) throw await this.#unmet(session, key);
      throw this.#unexpected(session, answer);
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter } = options;
    for await (const page of this.#pages(prefix, false, options)) {
      for (const { name, sizeBytes, modifiedAt } of page.blobs) {
        const key = name.slice(this.#root.length);
        // Azure can't start in the middle.
        if (!isKey(key) || (startAfter !== undefined && key <= startAfter)) continue;
        yield { key, sizeBytes, modifiedAt };
      }
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    for await (const page of this.#pages(prefix, true, options)) {
      for (const name of page.folders) {
        const folder = name.slice(this.#root.length + prefix.length, -1);
        if (isKeySegment(folder)) yield folder;
      }
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    await this.#requests.run({ doing: `delete ${key}`, signal }, async (session) => {
      const { answer } = await session.ask((container, abortSignal) =>
        this.#blob(container, key).delete({ abortSignal }),
      );
      if (answer.status === 202 || this.#isMissing(session, answer)) return;
      throw this.#unexpected(session, answer);
    });
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  async #look(session: AzureSession, key: string): Promise<ObjectInfo | null> {
    const { answer } = await session.ask((container, abortSignal) =>
      this.#blob(container, key).getProperties({ abortSignal }),
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

  /** Azure answers the same for a blob that doesn't exist as for one that has changed. */
  async #unmet(session: AzureSession, key: string): Promise<ScbError> {
    return (await this.#look(session, key)) === null
      ? new ScbError("store-missing", `cannot ${session.doing}: the object to be replaced is gone`)
      : new ScbError(
          "store-precondition",
          `cannot ${session.doing}: the condition did not hold: it has changed`,
        );
  }

  #pages(
    prefix: string,
    isByFolder: boolean,
    { signal }: RequestOptions,
  ): AsyncGenerator<AzurePage> {
    const doing = prefix === "" ? "list" : `list ${prefix}`;
    const wanted = `${this.#root}${prefix}`;
    const { location } = this;
    const pageSize = this.#pageSize;
    const refuse = (why: string): ScbError =>
      new ScbError(
        "store-rejected",
        `cannot ${doing} in ${location} ${why}: the answer is not that of a container without hierarchical namespace; check the endpoint and the account`,
      );
    const fetch = (token: string | undefined): Promise<AzurePage> =>
      this.#requests.run({ doing, signal }, async (session) => {
        const { answer, value } = await session.ask((container, abortSignal) =>
          pageOf(container, { prefix: wanted, pageSize, isByFolder, token, abortSignal }),
        );
        if (answer.status !== 200) throw this.#unexpected(session, answer);
        if (value === undefined) {
          throw new ScbError("store-unknown", `cannot ${session.doing}: ${notAzure(answer)}`);
        }
        if (value.prefix !== wanted) throw refuse("(it lists something else)");
        const { blobs, folders, next } = value;
        if (!folders.every((folder) => folder.startsWith(wanted))) {
          throw refuse("(it names what lies elsewhere)");
        }
        const names = blobs.map(({ name }) => name);
        return { blobs, folders, names, folderCount: folders.length, next };
      });
    return listingPages({
      doing: `${doing} in ${location}`,
      wanted,
      limitMs: this.#limitMs,
      clock: this.#clock,
      fetch,
      refuse,
    });
  }

  #blob(container: ContainerClient, key: string) {
    return container.getBlockBlobClient(`${this.#root}${key}`);
  }

  /** The error for an unexpected answer. */
  #unexpected({ doing }: AzureSession, answer: HttpAnswer): ScbError {
    return answer.status >= 300
      ? this.#requests.refused(answer, doing)
      : new ScbError("store-unknown", `cannot ${doing}: ${notAzure(answer)}`);
  }
}

interface PageRequest {
  readonly prefix: string;
  readonly pageSize: number;
  readonly isByFolder: boolean;
  readonly token: string | undefined;
  readonly abortSignal: AbortSignal;
}

/** The fields read from both kinds of the SDK's pages. */
interface ListedPage {
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
  { prefix, pageSize, isByFolder, token, abortSignal }: PageRequest,
): Promise<(Omit<AzurePage, "names" | "folderCount"> & { readonly prefix: string }) | undefined> {
  const options = { prefix, abortSignal };
  const setting = {
    maxPageSize: pageSize,
    ...(token === undefined ? {} : { continuationToken: token }),
  };
  const pages: AsyncIterable<ListedPage> = isByFolder
    ? container.listBlobsByHierarchy("/", options).byPage(setting)
    : container.listBlobsFlat(options).byPage(setting);
  const { value } = await pages[Symbol.asyncIterator]().next();
  if (value === undefined) return undefined;
  const { segment, continuationToken = "" }: ListedPage = value;
  return {
    prefix: value.prefix ?? "",
    folders: (segment.blobPrefixes ?? []).map(({ name }) => name),
    blobs: segment.blobItems.map(({ name, properties }): ListedBlob => {
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

function conditionsOf(condition: PutCondition | undefined): {
  ifNoneMatch?: "*";
  ifMatch?: string;
} {
  switch (condition?.kind) {
    case undefined:
      return {};
    case "absent":
      return { ifNoneMatch: "*" };
    case "match":
      return { ifMatch: condition.etag };
  }
}
