import { httpRequest } from "./http-request.ts";
import type { Receiver } from "./receiver.ts";
import type { ReceiverUrl } from "./receiver-url.ts";

/** Any program that accepts JSON by POST. `docs/alerts.md` documents the body. */
export function webhook({ name, url }: Extract<ReceiverUrl, { kind: "webhook" }>): Receiver {
  return {
    name,
    send: ({ id, json }, signal) =>
      httpRequest({
        method: "POST",
        url,
        headers: { "content-type": "application/json", "idempotency-key": id },
        body: JSON.stringify(json),
        signal,
      }),
  };
}
