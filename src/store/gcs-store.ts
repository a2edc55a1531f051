import { z } from "zod";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { md5 } from "../runtime/md5.ts";
import {
  type BucketContent,
  BucketStore,
  type BucketTarget,
  type PageRequest,
} from "./bucket-store.ts";
import { notGcs, refusalError } from "./gcs-errors.ts";
import { GcsInspection } from "./gcs-inspection.ts";
import { type GcsRequests, type GcsSession, readJson } from "./gcs-requests.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { ListingPage } from "./listing-pages.ts";
import type { ObjectInfo, PutCondition, StoredObject } from "./object-store.ts";
import { unmetError } from "./put-condition.ts";
import type { StoreInspection } from "./store-inspection.ts";

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
const mostOnPage = 1_000;
/** How often to read an object that is gone when read but there when looked up. */
const mostReads = 5;

/**
 * A bucket of Google Cloud Storage, or the part of one under a prefix. An etag is the object's
 * generation: Google gives each content of a name a new number, and checks conditions only by that.
 */
export class GcsStore extends BucketStore {
  readonly inspection: StoreInspection;
  readonly #requests: GcsRequests;
  readonly #bucket: string;
  readonly #pageSize: number;

  constructor(options: GcsStoreOptions) {
    const { requests, bucket, prefix, requestTimeoutMs } = options;
    const { pageSize = mostOnPage, clock = systemClock } = options;
    const { location } = requests;
    const expected = "Google Cloud Storage; check the endpoint";
    super({ location, prefix, requestTimeoutMs, clock, expected });
    this.#requests = requests;
    this.#bucket = bucket;
    this.#pageSize = pageSize;
    this.inspection = new GcsInspection({ requests, bucket, root: this.root, clock });
  }

  async service(): Promise<string> {
    return this.#requests.endpoint;
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  protected read(target: BucketTarget, maxBytes: number): Promise<StoredObject | null> {
    const { key, name, signal } = target;
    return this.#requests.run({ doing: `read ${key}`, signal }, async (session) => {
      for (let reads = 1; reads <= mostReads; reads += 1) {
        // The older of Google's two APIs has an object's facts and bytes in one answer.
        const path = `/${this.#bucket}/${name}`;
        const answer = await session.send({ path, maxBytes, mayBeGone: true });
        if (!("reason" in answer)) return storedOf(session, key, answer);
        if (answer.status !== 404) throw refusalError(answer, session.doing);
        if (answer.reason === "NoSuchKey") return null;
        if ((await this.#find(session, name)) === null) return null;
      }
      throw new ScbError(
        "store-busy",
        `cannot ${session.doing}: each of ${mostReads} times it was gone, and there again`,
      );
    });
  }

  protected look({ key, name, signal }: BucketTarget): Promise<ObjectInfo | null> {
    return this.#requests.run({ doing: `look at ${key}`, signal }, async (session) => {
      const found = await this.#find(session, name);
      return found === null ? null : info(key, found);
    });
  }

  protected write(target: BucketTarget, content: BucketContent): Promise<{ etag: string }> {
    const { key, name, signal } = target;
    const { bytes, metadata, contentType, condition } = content;
    const md5Hash = md5Base64(bytes);
    const upload = multipart({ name, contentType, md5Hash, metadata }, bytes, contentType);
    const operation = { doing: `write ${key}`, uploadBytes: bytes.length, signal };
    return this.#requests.run(operation, async (session) => {
      const generation = generationFor(condition);
      if (generation === null) throw await this.#unmet(session, name, "it has another etag");
      const answer = await session.send({
        method: "POST",
        path: `/upload${this.#objects}`,
        query: { uploadType: "multipart", fields: objectFields, ifGenerationMatch: generation },
        ...upload,
      });
      if ("reason" in answer) {
        if (answer.status === 404) throw noBucket(session);
        const refused = refusalError(answer, session.doing);
        if (answer.status !== 412 || condition?.kind !== "match") throw refused;
        throw await this.#unmet(session, name, answer.text);
      }
      const written = readJson(answer, objectResource, session.doing);
      const isOurs = written.name === name && written.size === bytes.length;
      if (!isOurs || (written.md5Hash !== undefined && written.md5Hash !== md5Hash)) {
        throw foreign(session, notGcs(answer, "of another object"));
      }
      return { etag: written.generation };
    });
  }

  protected async remove({ key, name, signal }: BucketTarget): Promise<void> {
    await this.#requests.run({ doing: `delete ${key}`, signal }, async (session) => {
      const answer = await session.send({ method: "DELETE", path: this.#path(name) });
      if ("reason" in answer) {
        if (answer.status !== 404) throw refusalError(answer, session.doing);
        await this.#checkBucket(session, answer.text);
        return;
      }
      // The simulator sends JSON's null, with 200.
      const body = new TextDecoder().decode(answer.body).trim();
      if (body !== "" && body !== "null") throw foreign(session, notGcs(answer));
    });
  }

  protected page(request: PageRequest): Promise<ListingPage> {
    const { doing, prefix, isByFolder, startAfter, token, signal } = request;
    const query = {
      prefix,
      delimiter: isByFolder ? "/" : undefined,
      pageToken: token,
      maxResults: String(this.#pageSize),
      startOffset: startAfter,
      fields: listFields,
    };
    return this.#requests.run({ doing, signal }, async (session) => {
      const found = await session.find({ path: this.#objects, query }, listResource);
      if (found === null) throw noBucket(session);
      const { items, prefixes: folders, nextPageToken: next = null } = found;
      const objects = items.map(({ name, size, updated }) => {
        return { name, sizeBytes: size, modifiedAt: Date.parse(updated) };
      });
      return { objects, folders, next };
    });
  }

  /** What the bucket says of an object, or null where it holds none. */
  async #find(session: GcsSession, name: string): Promise<ObjectResource | null> {
    const answer = await session.send({
      path: this.#path(name),
      query: { alt: "json", fields: objectFields },
    });
    if ("reason" in answer) {
      if (answer.status !== 404) throw refusalError(answer, session.doing);
      await this.#checkBucket(session, answer.text);
      return null;
    }
    const found = readJson(answer, objectResource, session.doing);
    if (found.name === name) return found;
    throw foreign(session, notGcs(answer, "of another object"));
  }

  /** A 404 doesn't always say what is missing: the object, or the whole bucket. */
  async #checkBucket(session: GcsSession, text: string): Promise<void> {
    if (/^No such object/.test(text)) return;
    const query = { maxResults: "1", fields: "kind" };
    const kind = listResource.pick({ kind: true });
    const found = await session.find({ path: this.#objects, query }, kind);
    if (found === null) throw noBucket(session);
  }

  /** Google says 412 also of an object that isn't there. */
  async #unmet(session: GcsSession, name: string, said: string): Promise<ScbError> {
    return unmetError((await this.#find(session, name)) === null, session.doing, said);
  }

  get #objects(): string {
    return `/storage/v1/b/${this.#bucket}/o`;
  }

  #path(name: string): string {
    return `${this.#objects}/${encodeURIComponent(name)}`;
  }
}

function noBucket({ doing }: GcsSession): ScbError {
  return new ScbError(
    "store-no-bucket",
    `cannot ${doing}: there is no such bucket: check its name, or create it`,
  );
}

function foreign({ doing }: GcsSession, why: string): ScbError {
  return new ScbError("store-unknown", `cannot ${doing}: ${why}`);
}

/** The object of a 200 to a GET. Throws "store-unknown" for what isn't one, or isn't whole. */
function storedOf(session: GcsSession, key: string, answer: HttpAnswer): StoredObject {
  const read = objectHeaders.safeParse(answer.headers);
  if (answer.status !== 200 || !read.success) throw foreign(session, notGcs(answer));
  const { body: bytes, headers } = answer;
  const [, md5Hash] = /(?:^|,)\s*md5=([^,\s]+)/.exec(headers["x-goog-hash"] ?? "") ?? [];
  if (md5Hash !== undefined && md5Base64(bytes) !== md5Hash) {
    throw foreign(session, "the bytes that came are not those that the bucket holds");
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
