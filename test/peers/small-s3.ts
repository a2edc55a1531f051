import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

export interface S3Asked {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

interface KeptObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly headers: Readonly<Record<string, string>>;
}

interface SmallAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** The part of S3 that a mirror uses, in path style, for one bucket, in memory. It checks no signatures. */
export class SmallS3 {
  readonly #objects = new Map<string, KeptObject>();

  answer(asked: S3Asked, response: ServerResponse): void {
    const { status, headers = {}, body } = this.#answer(asked);
    response.writeHead(status, headers);
    response.end(asked.method === "HEAD" ? undefined : body);
  }

  held(key: string): Buffer | undefined {
    return this.#objects.get(key)?.bytes;
  }

  #answer({ method, url, headers, body }: S3Asked): SmallAnswer {
    const { pathname, searchParams } = new URL(url, "http://127.0.0.1");
    const key = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    if (key === "") return this.#list(searchParams);
    switch (method) {
      case "PUT":
        return this.#put(key, headers, body);
      case "GET":
      case "HEAD":
        return this.#get(key);
      case "DELETE":
        this.#objects.delete(key);
        return { status: 204 };
      default:
        return refusal(405, "MethodNotAllowed");
    }
  }

  #put(key: string, headers: IncomingHttpHeaders, bytes: Buffer): SmallAnswer {
    const current = this.#objects.get(key);
    const wanted = headers["if-match"];
    if (wanted !== undefined && current === undefined) return refusal(404, "NoSuchKey");
    const isRefused =
      wanted === undefined
        ? headers["if-none-match"] === "*" && current !== undefined
        : current?.etag !== wanted;
    if (isRefused) return refusal(412, "PreconditionFailed");
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const kept: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      const isKept = name === "content-type" || name.startsWith("x-amz-meta-");
      if (isKept && typeof value === "string") kept[name] = value;
    }
    this.#objects.set(key, { bytes, etag, modifiedAt: new Date(), headers: kept });
    return { status: 200, headers: { etag } };
  }

  #get(key: string): SmallAnswer {
    const object = this.#objects.get(key);
    if (object === undefined) return refusal(404, "NoSuchKey");
    const headers = {
      ...object.headers,
      etag: object.etag,
      "last-modified": object.modifiedAt.toUTCString(),
      "content-length": String(object.bytes.length),
    };
    return { status: 200, headers, body: object.bytes };
  }

  #list(query: URLSearchParams): SmallAnswer {
    if (query.has("versioning")) return xml(200, "<VersioningConfiguration/>");
    if (query.has("object-lock")) {
      return refusal(404, "ObjectLockConfigurationNotFoundError");
    }
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const startAfter = query.get("start-after") ?? "";
    const folders = new Set<string>();
    let contents = "";
    for (const key of [...this.#objects.keys()].sort()) {
      if (!key.startsWith(prefix) || key <= startAfter) continue;
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      if (end >= 0) folders.add(key.slice(0, end + 1));
      else {
        const { bytes, modifiedAt } = this.#objects.get(key) ?? {
          bytes: "",
          modifiedAt: new Date(),
        };
        contents += `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><LastModified>${modifiedAt.toISOString()}</LastModified></Contents>`;
      }
    }
    const common = [...folders].map(
      (folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`,
    );
    return xml(
      200,
      `<ListBucketResult><Prefix>${prefix}</Prefix><IsTruncated>false</IsTruncated>${contents}${common.join("")}</ListBucketResult>`,
    );
  }
}

function refusal(status: number, code: string): SmallAnswer {
  return xml(status, `<Error><Code>${code}</Code><Message>no</Message></Error>`);
}

function xml(status: number, text: string): SmallAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  return { status, headers: { "content-type": "application/xml" }, body };
}
