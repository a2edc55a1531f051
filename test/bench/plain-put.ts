import { createHash, createHmac } from "node:crypto";
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { MinioServer } from "../peers/minio.ts";

/** A signed PUT that only has to be sent. */
export interface SignedPut {
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

export type StoreAccess = Pick<
  MinioServer,
  "endpoint" | "region" | "accessKeyId" | "secretAccessKey"
>;

/**
 * The least that a client can do: bytes and a ready signature over one kept-alive connection of
 * `node:http`, and nothing of the answer but its status and ETag.
 */
export class PlainClient implements Disposable {
  readonly #minio: StoreAccess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(minio: StoreAccess) {
    this.#minio = minio;
  }

  /**
   * Signs with AWS Signature Version 4 in headers, the body's hash included, as any client does over
   * plain HTTP. `extra` are more headers, in lower case.
   */
  sign(
    bucket: string,
    key: string,
    body: Uint8Array,
    extra: Readonly<Record<string, string>> = {},
  ): SignedPut {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.#minio;
    const path = `/${bucket}/${key}`;
    const at = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const scope = `${at.slice(0, 8)}/${region}/s3/aws4_request`;
    const bodyHash = sha256(body);
    const signed: Record<string, string> = {
      ...extra,
      host: new URL(endpoint).host,
      "x-amz-content-sha256": bodyHash,
      "x-amz-date": at,
    };
    const names = Object.keys(signed).sort();
    const canonical = [
      "PUT",
      path,
      "",
      ...names.map((name) => `${name}:${signed[name]}`),
      "",
      names.join(";"),
      bodyHash,
    ].join("\n");
    const secret = scope
      .split("/")
      .reduce<string | Buffer>(
        (secretSoFar, part) => hmac(secretSoFar, part),
        `AWS4${secretAccessKey}`,
      );
    const toSign = ["AWS4-HMAC-SHA256", at, scope, sha256(canonical)].join("\n");
    const signature = hmac(secret, toSign).toString("hex");
    return {
      path,
      body,
      headers: {
        ...signed,
        "content-length": body.length,
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
      },
    };
  }

  /** Sends it, and returns the ETag when the answer has been read to its end. */
  async put({ path, headers, body }: SignedPut): Promise<string> {
    const { hostname, port } = new URL(this.#minio.endpoint);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request({ agent: this.#agent, hostname, port, method: "PUT", path, headers });
    sent.once("response", resolve).once("error", reject).end(body);
    const answer = await promise;
    for await (const _ of answer);
    if (answer.statusCode !== 200) throw new Error(`PUT ${path}: status ${answer.statusCode}`);
    return answer.headers.etag ?? "";
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
