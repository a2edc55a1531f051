import { isIP } from "node:net";
import { ScbError } from "../../runtime/error.ts";
import { formatHostAndPort } from "../../runtime/host-and-port.ts";
import { percentDecoded } from "../../runtime/percent-decoded.ts";
import { isPrivateAddress } from "../../runtime/private-address.ts";

/** Where messages go, from `--notify`. Everything but `name` may hold secrets. */
export type ReceiverUrl =
  | { readonly kind: "webhook"; readonly name: string; readonly url: URL }
  | {
      readonly kind: "ntfy";
      readonly name: string;
      /** The server's, with user and password, or with a token as the password and no user. */
      readonly url: URL;
      readonly topic: string;
    }
  | {
      readonly kind: "telegram";
      readonly name: string;
      readonly api: URL;
      readonly token: string;
      readonly chat: string;
    }
  | ({ readonly kind: "mail"; readonly name: string } & MailUrl);

export interface MailUrl {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS. */
  readonly isTls: boolean;
  readonly user: string | null;
  readonly password: string;
  readonly from: string;
  readonly to: readonly string[];
}

const forms =
  "https://…, ntfys://HOST/TOPIC, telegram://TOKEN@CHAT or smtps://USER:PASSWORD@HOST:PORT?from=…&to=…";

/** Reads one URL of `--notify`. Throws "usage", and never repeats it: it is a secret. */
export function parseReceiverUrl(text: string): ReceiverUrl {
  if (text.startsWith("telegram:")) return telegramUrl(text);
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = url?.protocol ?? "";
  if (url === null || url.hostname === "") throw notAReceiver(`it must be ${forms}`);
  if (scheme === "https:" || scheme === "http:") {
    return { kind: "webhook", name: `webhook at ${url.host}`, url: checkedUrl(url) };
  }
  if (scheme === "ntfy:" || scheme === "ntfys:") return ntfyUrl(url);
  if (scheme === "smtp:" || scheme === "smtps:") return mailUrl(url);
  throw notAReceiver(`it must begin with https://, ntfys://, telegram:// or smtps://`);
}

/** Reads the URL of `--heartbeat`. Throws "usage", and never repeats it: it is a secret. */
export function parseHeartbeatUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" || url?.protocol === "http:") return checkedUrl(url);
  throw new ScbError("usage", "must be a URL that begins with https://");
}

function notAReceiver(why: string): ScbError {
  return new ScbError(
    "usage",
    `a --notify URL can't be read (it isn't shown here, because it is a secret): ${why}`,
  );
}

/** A host name is resolved and checked only when a message is sent. */
function checkedUrl(url: URL): URL {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "http:" && isIP(host) !== 0 && !isPrivateAddress(host)) {
    throw new ScbError(
      "usage",
      "without TLS it must be a loopback or private address: use the form with TLS (https://, ntfys://)",
    );
  }
  url.hash = "";
  return url;
}

function ntfyUrl(given: URL): ReceiverUrl {
  const topic = given.pathname.slice(1);
  if (!/^[-_A-Za-z0-9]{1,64}$/.test(topic)) {
    throw notAReceiver("an ntfy URL needs a topic after the host, of letters, digits, - and _");
  }
  // Replaced in the text, so that the port is read anew as the new scheme's.
  const base = given.href.replace(/^ntfy(s?):\/\//, "http$1://");
  const url = new URL(base);
  Object.assign(url, { pathname: "/", search: "" });
  return { kind: "ntfy", name: `ntfy at ${url.host}`, url: checkedUrl(url), topic };
}

const telegramApi = "https://api.telegram.org";

function telegramUrl(text: string): ReceiverUrl {
  const [, token, chat, query] =
    /^telegram:\/\/(\d+:[\w-]+)@(-?\d+|@?[A-Za-z]\w*)(?:\?(.*))?$/.exec(text) ?? [];
  if (token === undefined || chat === undefined) {
    throw notAReceiver(
      "a Telegram URL is telegram://TOKEN@CHAT, with the bot's token and the chat's number or @name",
    );
  }
  const given = new URLSearchParams(query).get("api") ?? telegramApi;
  const api = parseHeartbeatUrl(given);
  const name = `Telegram, chat ${chat}`;
  return { kind: "telegram", name, api, token, chat: /^[A-Za-z]/.test(chat) ? `@${chat}` : chat };
}

function mailUrl(url: URL): ReceiverUrl {
  const isTls = url.protocol === "smtps:";
  const decoded = (text: string): string => percentDecoded(text, "the URL of a mail server");
  const from = url.searchParams.get("from") ?? "";
  const to = url.searchParams
    .getAll("to")
    .flatMap((list) => list.split(","))
    .map((it) => it.trim());
  if (
    ![from, ...to].every((address) => /^[^\s<>@,;:"]+@[^\s<>@,;:"]+$/.test(address)) ||
    to.length === 0
  ) {
    throw notAReceiver("a mail URL ends with ?from=ADDRESS&to=ADDRESS");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (isTls ? 465 : 587) : Number(url.port);
  return {
    kind: "mail",
    name: `mail to ${to.join(", ")} by ${formatHostAndPort({ host, port })}`,
    host: decoded(host),
    port,
    isTls,
    user: url.username === "" ? null : decoded(url.username),
    password: decoded(url.password),
    from,
    to,
  };
}
