import { isIP } from "node:net";
import { createTransport } from "nodemailer";
import { ScbError } from "../../runtime/error.ts";
import { foreignText } from "../../runtime/foreign-text.ts";
import { formatHostAndPort } from "../../runtime/host-and-port.ts";
import { addressOf, isPrivateAddress } from "../../runtime/private-address.ts";
import { type NamedProxy, proxyFor } from "../../runtime/proxy-environment.ts";
import { undelivered } from "../undelivered.ts";
import type { Letter, Receiver } from "./receiver.ts";
import type { MailUrl, ReceiverUrl } from "./receiver-url.ts";

/** Mail servers are slow; the caller has its own bound. */
const timeoutMs = 30_000;

/**
 * A mail server that accepts messages for a few addresses. Unless the connection starts with TLS, the server
 * must offer STARTTLS, except on this machine or in a private network.
 */
export function mail(url: Extract<ReceiverUrl, { kind: "mail" }>): Receiver {
  const { name, user, password } = url;
  const basic = Buffer.from(`\0${user ?? ""}\0${password}`).toString("base64");
  const secrets = [password, basic, Buffer.from(password).toString("base64")].filter(
    (secret) => secret !== "",
  );
  return {
    name,
    async send(letter, signal) {
      try {
        return await sendMail(url, letter, signal, secrets);
      } catch (error) {
        if (signal.aborted) throw ScbError.from(signal.reason);
        throw mailTrouble(error, url, secrets);
      }
    },
  };
}

async function sendMail(
  url: MailUrl,
  { id, at, title, body }: Letter,
  signal: AbortSignal,
  secrets: readonly string[],
): Promise<string> {
  const { host, port, isTls, user, password, from, to } = url;
  const target = new URL(`smtp://${formatHostAndPort({ host, port })}`);
  const proxy = proxyFor(target, process.env);
  const address = isTls || proxy !== null ? host : await addressOf(host, signal);
  const isPrivate = isIP(address) !== 0 && isPrivateAddress(address);
  const transport = createTransport({
    host: isPrivate ? address : host,
    port,
    secure: isTls,
    requireTLS: !isTls && !isPrivate,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Where plain text is allowed, an unsigned certificate is no worse.
    tls: { rejectUnauthorized: isTls || !isPrivate },
    ...(user === null ? {} : { auth: { user, pass: password } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    socketCloseTimeout: 0,
    maxResponseSize: 64 * 1024,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(proxy === null ? {} : { proxy: proxy.url.href }),
  });
  try {
    if (proxy !== null) await useSocks(transport, proxy);
    const sent = await transport.sendMail({
      from,
      to: [...to],
      subject: title,
      text: body,
      messageId: `<${id}@scb-mirror>`,
      date: new Date(at),
      headers: { "auto-submitted": "auto-generated" },
      signal,
    });
    const refused = sent.rejected.map((it) => foreignText(String(it))).join(", ");
    const response = foreignText(sent.response, secrets);
    return refused === "" ? response : `${response}; it refuses ${refused}`;
  } finally {
    transport.close();
  }
}

async function useSocks(
  transport: { set(name: "proxy_socks_module", socks: unknown): unknown },
  { url }: NamedProxy,
): Promise<void> {
  if (!url.protocol.startsWith("socks")) return;
  transport.set("proxy_socks_module", await import("socks"));
}

/** By nodemailer's codes. */
const reasons: Readonly<Record<string, string>> = {
  EAUTH: "it refuses the user or the password",
  ETLS: "it offers no TLS and isn't in a private network, so the message wasn't sent",
  EENVELOPE: "it refuses the sender or the recipients",
  EDNS: "there is no such host",
};

function mailTrouble(error: unknown, { isTls }: MailUrl, secrets: readonly string[]): ScbError {
  const { code = "", response = "" } = mailError(error);
  const reason = reasons[code];
  if (reason === undefined) {
    const known = undelivered(error, secrets);
    const hint = isTls && /doesn't speak TLS/.test(known.message) ? ": try smtp://" : "";
    return new ScbError("undelivered", `${known.message}${hint}`);
  }
  const says = foreignText(response, secrets);
  return new ScbError("undelivered", says === "" ? reason : `${reason} (${says})`);
}

function mailError(error: unknown): { readonly code?: string; readonly response?: string } {
  if (!(error instanceof Error)) return {};
  return {
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...("response" in error && typeof error.response === "string"
      ? { response: error.response }
      : {}),
  };
}
