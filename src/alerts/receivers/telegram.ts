import { ScbError } from "../../runtime/error.ts";
import { httpRequest } from "./http-request.ts";
import type { Receiver } from "./receiver.ts";
import type { ReceiverUrl } from "./receiver-url.ts";

/** Source: Telegram's Bot API, `sendMessage`. */
const mostCharacters = 4_096;

/** A chat in which a bot may write. Source: Telegram's Bot API, `sendMessage`. */
export function telegram({
  name,
  api,
  token,
  chat,
}: Extract<ReceiverUrl, { kind: "telegram" }>): Receiver {
  const url = new URL(api);
  url.pathname = `${api.pathname.replace(/\/$/, "")}/bot${token}/sendMessage`;
  return {
    name,
    async send({ title, body }, signal) {
      const text = await httpRequest({
        method: "POST",
        url,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          chat_id: chat,
          text: `${title}\n\n${body}`.slice(0, mostCharacters),
          link_preview_options: { is_disabled: true },
        }),
        secrets: [token],
        signal,
      });
      // A captive portal's 200 is no delivery. The end of the answer may be cut off, so it isn't parsed.
      if (!/^\{\s*"ok"\s*:\s*true\b/.test(text)) {
        throw new ScbError("undelivered", "what answers there isn't Telegram's Bot API");
      }
      return "accepted";
    },
  };
}
