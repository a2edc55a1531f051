import { z } from "zod";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { md5 } from "../runtime/md5.ts";
import { notGcs, refusalError } from "./gcs-errors.ts";
import { GcsInspection } from "./gcs-inspection.ts";
import { type GcsRequests, type GcsSession, readJson } from "./gcs-requests.ts";
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

export interface GcsStoreOptions {
  /** The store closes it. */
  readonly requests: GcsRequests;
  readonly bucket: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  /** How many names to request at once. Default: as many as the service gives. */
  readonly pageSize?: number;
  readonly clock?: Clock;
}

const count = z.string().regex(/^\d{1,19}$/);
const date = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

/** The fields requested of an object. */
const objectFields = "kind,bucket,name,generation,size,md5Hash,updated,metadata";
const objectResource = z.object({
  kind: z.literal("storage#object"),
  bucket: z.string(),
  name: z.string(),
  generation: count,
  size: count.transform(Number),
  md5Hash: z.string().optional(),
  updated: date,
  metadata: z.record(z.string(), z.string()).default({}),
});
type ObjectResource = z.infer<typeof objectResource>;

/** The headers needed from a read object. */
const objectHeaders = z.object({ "x-goog-generation": count, "last-modified": date });
const metaPrefix = "x-goog-meta-";

const listFields = "kind,nextPageToken,prefixes,items(name,size,updated)";
const listResource = z.object({
  kind: z.literal("storage#objects"),
  nextPageToken: z.string().min(1).optional(),
  prefixes: z.array(z.string()).default([]),
  items: z
    .array(z.object({ name: z.string(), size: count.transform(Number), updated: date }))
    .default([]),
});
type GcsPage = z.infer<typeof listResource> & ListingPage;

const mostOnPage = 1_000;
/** How often to read an object that is gone when read but there when looked up. */
const mostReads = 5;

/**
 * A bucket of Google Cloud Storage, or the part of one under a prefix. An etag is the object's
 * generation: Google gives each content of a name a new number, and checks conditions only by that.
 */
export class GcsStore implements ObjectStore {
  readonly conditions = "enforced";
  readonly location: string;
  readonly inspection: StoreInspection;
  readonly #requests: GcsRequests;
  readonly #bucket: string;
  /** "" or ends in "/". */
  readonly #root: string;
  readonly #limitMs: number;
  readonly #pageSize: number;
  readonly #clock: Clock;

  constructor({
    requests,
    bucket,
    prefix,
    requestTimeoutMs,
    pageSize = mostOnPage,
    clock = systemClock,
  }: GcsStoreOptions) {
    this.location = `gs://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.#requests = requests;
    this.#bucket = bucket;
    this.#root = prefix === "" ? "" : `${prefix}/`;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    this.#pageSize = pageSize;
    this.#clock = clock;
    const root = this.#root;
    this.inspection = new GcsInspection({ requests, bucket, root, clock });
  }

  async service(): Promise<string> {
    return this.#requests.endpoint;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { signal, maxBytes = defaultMaxBytes } = options;
    return this.#requests.run({ doing: `read ${key}`, signal }, async (session) => {
      for (let reads = 1; reads <= mostReads; reads += 1) {
        // The older of Google's two APIs returns an object's facts and bytes in one answer.
        const path = `/${this.#bucket}/${this.#root}${key}`;
        const answer = await session.send({ path, maxBytes, mayBeGone: true });
        if (!("reason" in answer)) return this.#stored(session, key, answer);
        if (answer.status !== 404) throw refusalError(answer, session.doing);
        if (answer.reason === "NoSuchKey") return null;
        if ((await this.#look(session, key)) === null) return null;
      }
      throw new ScbError(
        "store-busy",
        `cannot ${session.doing}: each of ${mostReads} times it was gone, and there again`,
      );
    });
  }

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectInfo | null> {
    checkKey(key);
    return this.#requests.run({ doing: `look at ${key}`, signal }, async (session) => {
      const found = await this.#look(session, key);
      return found === null ? null : info(key, found);
    });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const { condition, metadata = {}, contentType, signal } = options;
    checkMetadata(metadata);
    const name = `${this.#root}${key}`;
    const md5Hash = md5Base64(bytes);
    const type = contentType ?? "application/octet-stream";
    const upload = multipart({ name, contentType: type, md5Hash, metadata }, bytes, type);
    const operation = { doing: `write ${key}`, uploadBytes: bytes.length, signal };
    return this.#requests.run(operation, async (session) => {
      const generation = generationFor(condition);
      if (generation === null) throw await this.#unmet(session, key, "it has another etag");
      const answer = await session.send({
        method: "POST",
        path: `/upload/storage/v1/b/${this.#bucket}/o`,
        query: { uploadType: "multipart", fields: objectFields, ifGenerationMatch: generation },
        ...upload,
      });
      if ("reason" in answer) {
        if (answer.status === 404) throw this.#noBucket(session);
        const refused = refusalError(answer, session.doing);
        if (answer.status !== 412 || condition?.kind !== "match") throw refused;
        throw await this.#unmet(session, key, answer.text);
      }
      const written = readJson(answer, objectResource, session.doing);
      const isOurs = written.name === name && written.size === bytes.length;
      if (!isOurs || (written.md5Hash !== undefined && written.md5Hash !== md5Hash)) {
        throw this.#foreign(session, `${notGcs(answer, "of another object")}`);
      }
      return { etag: written.generation };
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter } = options;
    for await (const page of this.#pages(prefix, undefined, options)) {
      for (const { name, size, updated } of page.items) {
        const key = name.slice(this.#root.length);
        // Google starts at the given name, not after it.
        if (!isKey(key) || (startAfter !== undefined && key <= startAfter)) continue;
        yield { key, sizeBytes: size, modifiedAt: Date.parse(updated) };
      }
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    for await (const page of this.#pages(prefix, "/", options)) {
      for (const folderPrefix of page.prefixes) {
        const folder = folderPrefix.slice(this.#root.length + prefix.length, -1);
        if (isKeySegment(folder)) yield folder;
      }
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    await this.#requests.run({ doing: `delete ${key}`, signal }, async (session) => {
      const answer = await session.send({ method: "DELETE", path: this.#path(key) });
      if ("reason" in answer) {
        if (answer.status !== 404) throw refusalError(answer, session.doing);
        await this.#checkBucket(session, answer.text);
        return;
      }
      // The simulator sends JSON's null, with 200.
      const body = new TextDecoder().decode(answer.body).trim();
      if (body !== "" && body !== "null") throw this.#foreign(session, notGcs(answer));
    });
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  /** The bucket's facts about an object; null if there is none. */
  async #look(session: GcsSession, key: string): Promise<ObjectResource | null> {
    const answer = await session.send({
      path: this.#path(key),
      query: { alt: "json", fields: objectFields },
    });
    if ("reason" in answer) {
      if (answer.status !== 404) throw refusalError(answer, session.doing);
      await this.#checkBucket(session, answer.text);
      return null;
    }
    const found = readJson(answer, objectResource, session.doing);
    if (found.name === `${this.#root}${key}`) return found;
    throw this.#foreign(session, notGcs(answer, "of another object"));
  }

  /** The object in a 200 to a GET. Throws "store-unknown" if it isn't an object, or isn't whole. */
  #stored(session: GcsSession, key: string, answer: HttpAnswer): StoredObject {
    const read = objectHeaders.safeParse(answer.headers);
    if (answer.status !== 200 || !read.success) throw this.#foreign(session, notGcs(answer));
    const { body: bytes, headers } = answer;
    const [, md5Hash] = /(?:^|,)\s*md5=([^,\s]+)/.exec(headers["x-goog-hash"] ?? "") ?? [];
    if (md5Hash !== undefined && md5Base64(bytes) !== md5Hash) {
      throw this.#foreign(session, "the bytes that came are not those that the bucket holds");
    }
    const metadata = Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(metaPrefix) ? [[name.slice(metaPrefix.length), value ?? ""]] : [],
    );
    return {
      key,
      bytes,
      sizeBytes: bytes.length,
      etag: read.data["x-goog-generation"],
      modifiedAt: Date.parse(read.data["last-modified"]),
      metadata: Object.fromEntries(metadata),
    };
  }

  /** A 404 doesn't always say what is missing: the object, or the whole bucket. */
  async #checkBucket(session: GcsSession, text: string): Promise<void> {
    if (/^No such object/.test(text)) return;
    const path = `/storage/v1/b/${this.#bucket}/o`;
    const query = { maxResults: "1", fields: "kind" };
    const kind = listResource.pick({ kind: true });
    if ((await session.find({ path, query }, kind)) === null) throw this.#noBucket(session);
  }

  /** Google also answers 412 for an object that doesn't exist. */
  async #unmet(session: GcsSession, key: string, said: string): Promise<ScbError> {
    if ((await this.#look(session, key)) === null) {
      const gone = `cannot ${session.doing}: the object to be replaced is gone`;
      return new ScbError("store-missing", gone);
    }
    const text = `cannot ${session.doing}: the condition did not hold (${said})`;
    return new ScbError("store-precondition", text);
  }

  #pages(
    prefix: string,
    delimiter: string | undefined,
    { startAfter, signal }: ListOptions,
  ): AsyncGenerator<GcsPage> {
    const doing = prefix === "" ? "list" : `list ${prefix}`;
    const wanted = `${this.#root}${prefix}`;
    const { location } = this;
    const refuse = (why: string): ScbError =>
      new ScbError(
        "store-rejected",
        `cannot ${doing} in ${location} ${why}: the answer is not that of Google Cloud Storage; check the endpoint`,
      );
    const fetch = async (token: string | undefined): Promise<GcsPage> => {
      const query = {
        prefix: wanted,
        delimiter,
        pageToken: token,
        maxResults: String(this.#pageSize),
        startOffset: startAfter === undefined ? undefined : `${this.#root}${startAfter}`,
        fields: listFields,
      };
      const page = await this.#requests.run({ doing, signal }, async (session) => {
        const path = `/storage/v1/b/${this.#bucket}/o`;
        const found = await session.find({ path, query }, listResource);
        if (found === null) throw this.#noBucket(session);
        return found;
      });
      if (!page.prefixes.every((folder) => folder.startsWith(wanted))) {
        throw refuse("(it names what lies elsewhere)");
      }
      const names = page.items.map(({ name }) => name);
      const folderCount = page.prefixes.length;
      return { ...page, names, folderCount, next: page.nextPageToken ?? null };
    };
    return listingPages({
      doing: `${doing} in ${location}`,
      wanted,
      limitMs: this.#limitMs,
      clock: this.#clock,
      fetch,
      refuse,
    });
  }

  #path(key: string): string {
    return `/storage/v1/b/${this.#bucket}/o/${encodeURIComponent(`${this.#root}${key}`)}`;
  }

  #noBucket({ doing }: GcsSession): ScbError {
    return new ScbError(
      "store-no-bucket",
      `cannot ${doing}: there is no such bucket: check its name, or create it`,
    );
  }

  #foreign({ doing }: GcsSession, why: string): ScbError {
    return new ScbError("store-unknown", `cannot ${doing}: ${why}`);
  }
}

function info(key: string, found: ObjectResource): ObjectInfo {
  return {
    key,
    sizeBytes: found.size,
    etag: found.generation,
    // Whole seconds, which is what `get` receives.
    modifiedAt: Math.floor(Date.parse(found.updated) / 1000) * 1000,
    metadata: found.metadata,
  };
}

/** "0" is Google's number for an object that doesn't exist. Null if no object can have this etag. */
function generationFor(condition: PutCondition | undefined): string | undefined | null {
  if (condition === undefined) return undefined;
  if (condition.kind === "absent") return "0";
  return /^[1-9]\d{0,18}$/.test(condition.etag) && BigInt(condition.etag) < 2n ** 63n
    ? condition.etag
    : null;
}

/** The object's facts and bytes in one request (RFC 2387), so that they change together. */
function multipart(
  facts: object,
  bytes: Uint8Array,
  contentType: string,
): { headers: Record<string, string>; body: Uint8Array } {
  // The parts between the boundaries are ours and short, or come after the last boundary.
  const boundary = `scb-${md5Base64(bytes).replaceAll(/[^A-Za-z0-9]/g, "")}`;
  const head = `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(facts)}\r\n--${boundary}\r\nContent-Type: ${contentType}\r\n\r\n`;
  return {
    headers: { "content-type": `multipart/related; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--`)]),
  };
}

function md5Base64(bytes: Uint8Array): string {
  return md5(bytes).toString("base64");
}
