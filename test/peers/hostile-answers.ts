import type { Answer } from "./hostile-s3.ts";

const hourAgo = new Date(Date.now() - 3_600_000).toUTCString();

/** An answer of this status, with the XML of an S3 error if a code is given. */
export function errorAnswer(
  status: number,
  code?: string,
  {
    text = "said by the store",
    inside = "",
    headers = {},
  }: { text?: string; inside?: string; headers?: Record<string, string> } = {},
): Answer {
  return (asked, response) => {
    response.writeHead(status, { "content-type": "application/xml", ...headers });
    const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${text}</Message>${inside}</Error>`;
    response.end(code === undefined || asked.method === "HEAD" ? undefined : xml);
  };
}

/** The page of a proxy, a captive portal or a login. */
export function pageAnswer(
  status: number,
  {
    type = "text/html; charset=utf-8",
    body = "<!DOCTYPE html><html><body>Please log in</body></html>",
    headers = {},
  }: { type?: string; body?: string; headers?: Record<string, string> } = {},
): Answer {
  return (asked, response) => {
    response.writeHead(status, { "content-type": type, ...headers });
    response.end(asked.method === "HEAD" ? undefined : body);
  };
}

export function redirectAnswer(status: number, location: string): Answer {
  return pageAnswer(status, { headers: { location } });
}

/** The answer to a GET or HEAD of an object that holds `body`, with these headers besides. */
export function objectAnswer(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Answer {
  return (asked, response) => {
    response.writeHead(200, {
      etag: '"e"',
      "last-modified": hourAgo,
      "content-type": "application/octet-stream",
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    });
    response.end(asked.method === "HEAD" ? undefined : body);
  };
}

/** Begins with `head`, and adds `chunk` every `everyMs` until the client gives up. */
export function endlessAnswer(
  head: Record<string, string>,
  chunk: Uint8Array,
  everyMs: number,
): Answer {
  return (_asked, response) => {
    response.writeHead(200, head);
    const timer = setInterval(() => {
      // Data that the client doesn't read must not pile up here.
      if (!response.writableNeedDrain) response.write(chunk);
    }, everyMs);
    response.on("close", () => clearInterval(timer));
  };
}
