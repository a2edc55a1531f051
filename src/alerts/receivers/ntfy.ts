import { percentDecoded } from "../../runtime/percent-decoded.ts";
import type { AlertKind } from "../alert-message.ts";
import { httpRequest } from "./http-request.ts";
import type { Receiver } from "./receiver.ts";
import type { ReceiverUrl } from "./receiver-url.ts";

/** Source: ntfy's documentation, "Message priority": 3 is the default, 4 makes noise. */
const priorities: Readonly<Record<AlertKind, number>> = { alert: 4, reminder: 3, over: 3, test: 3 };
/** Source: ntfy's documentation, "Tags & emojis". */
const tags: Readonly<Record<AlertKind, string>> = {
  alert: "rotating_light",
  reminder: "warning",
  over: "white_check_mark",
  test: "test_tube",
};
/** ntfy turns longer messages into files. */
const mostBytes = 4_000;

/** A topic on ntfy.sh or a self-hosted server. Source: ntfy's documentation, "Publish as JSON". */
export function ntfy({
  name,
  url: given,
  topic,
}: Extract<ReceiverUrl, { kind: "ntfy" }>): Receiver {
  const { username, password } = given;
  const url = new URL(given);
  const token = username === "" ? percentDecoded(password, "the token of ntfy") : "";
  if (token !== "") url.password = "";
  return {
    name,
    send: ({ kind, title, body }, signal) =>
      httpRequest({
        method: "POST",
        url,
        headers: {
          "content-type": "application/json",
          ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({
          topic,
          title,
          message: cut(body, mostBytes),
          priority: priorities[kind],
          tags: [tags[kind]],
        }),
        secrets: [topic, ...(token === "" ? [] : [token])],
        signal,
      }).then(() => "accepted"),
  };
}

/** The beginning of a text, at most `most` bytes. */
function cut(text: string, most: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(text).slice(0, most)).replace(/�+$/, "");
}
