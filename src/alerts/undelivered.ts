import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "it closed the connection",
  ECONNABORTED: "it closed the connection",
  EPIPE: "it closed the connection",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its host name can't be resolved at the moment",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
};
const noTls = "it doesn't speak TLS there";

/**
 * Translates what Node or a library threw while a message was sent. Doesn't keep the foreign error, which
 * may hold the receiver's URL, a secret.
 */
export function undelivered(error: unknown, secrets: readonly string[] = []): ScbError {
  if (error instanceof ScbError) return error;
  if (error instanceof ProxyTrouble) return new ScbError("undelivered", error.message);
  const { code, message } = readError(error);
  if (/wrong version number|packet length too long|EPROTO/i.test(`${code} ${message}`)) {
    return new ScbError("undelivered", noTls);
  }
  const isCertificate = /certificate|self.signed|CERT_|ALTNAME/i.test(`${code} ${message}`);
  const reason = isCertificate
    ? `its certificate isn't trusted (${foreignText(code, secrets)})`
    : (reasons[code] ?? reasons[codeIn(message)] ?? foreignText(message, secrets));
  return new ScbError("undelivered", reason === "" ? "it failed" : reason);
}

/** Finds the code in a message that a library wrapped: "connect ECONNREFUSED 127.0.0.1:25". */
function codeIn(message: string): string {
  return /\b(E[A-Z]{3,}(?:_[A-Z]+)?)\b/.exec(message)?.[1] ?? "";
}

function readError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return readError(error.errors[0]);
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  return { code: "code" in error ? String(error.code) : "", message: error.message };
}
