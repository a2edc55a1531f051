import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, ScbError } from "../../runtime/error.ts";
import { secretlessText } from "../../runtime/foreign-text.ts";
import { ProxyTrouble } from "../../runtime/proxy-trouble.ts";
import { bakeMacaroonCommandFor, deriveKeyCall, type LndCall, restoreCall } from "./lnd-calls.ts";

/** What a message about a failed call needs to name. Holds no secret. */
export interface CallContext {
  readonly call: LndCall;
  /** `lnd at host:port`. */
  readonly node: string;
  readonly certificateFrom: string | null;
  readonly macaroonFrom: string;
  readonly timeoutMs: number;
}

/** Whether nothing more is to be expected of the connection on which `error` came. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof ConnectError && lostCodes.includes(error.code);
}

const lostCodes: readonly Code[] = [
  Code.Aborted,
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unavailable,
];

/** Translates what a call threw: the transport's errors by code, lnd's own by their words. */
export function translateLndError(error: unknown, context: CallContext): ScbError {
  if (error instanceof ScbError) return error;
  if (!(error instanceof ConnectError)) return ScbError.from(error);
  const [code, message] =
    transportProblem(error, context) ??
    (error.code === Code.Unknown ? lndProblem(secretlessText(error.rawMessage), context) : null) ??
    statusProblem(error, context);
  return new ScbError(code, `${context.node}: ${message}`, { cause: error });
}

type Problem = readonly [ErrorCode, string];

/** By the error code of Node's network, TLS or HTTP/2 layer, where that is the cause. */
function transportProblem(error: ConnectError, context: CallContext): Problem | null {
  if (error.cause instanceof ProxyTrouble) {
    const { kind, message } = error.cause;
    const remedy =
      kind === "unreached"
        ? "is lnd running, and does it listen at --rpcserver? its onion service may need a minute"
        : "correct --socksproxy, and see that the proxy runs and takes connections without a password";
    return ["node-unavailable", `${message}: ${remedy}`];
  }
  for (const code of nodeCodes(error)) {
    if (code === "ECONNREFUSED") {
      return [
        "node-unavailable",
        "nothing listens there: is lnd running? else correct --rpcserver",
      ];
    }
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
      return [
        "node-unavailable",
        "this host name has no address: correct --rpcserver, or mend DNS",
      ];
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return [
        "node-untrusted",
        "its certificate is not for this host name: add it to lnd.conf (tlsextradomain= or tlsextraip=) " +
          "and let lnd make a new certificate, or use a name that the certificate has",
      ];
    }
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
      return [
        "node-untrusted",
        "its certificate is out of date: lnd makes a new one when it starts without tls.cert and tls.key " +
          "(and see that this machine's clock is right)",
      ];
    }
    if (certificateCodes.includes(code)) {
      return [
        "node-untrusted",
        context.certificateFrom === null
          ? "no authority that this system trusts has signed its certificate: give lnd's tls.cert with --tlscertpath"
          : `it shows another certificate than ${context.certificateFrom}: take the tls.cert of this lnd (it renews it at times), and see that nobody else answers there`,
      ];
    }
    if (code === "ERR_HTTP2_ERROR" || code === "EPROTO" || code.startsWith("ERR_SSL_")) {
      return [
        "node-unavailable",
        "what answers there is not lnd's gRPC server: correct --rpcserver (gRPC is port 10009 by default, not REST's 8080 nor the peers' 9735)",
      ];
    }
  }
  return null;
}

const certificateCodes: readonly string[] = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
];

function* nodeCodes(error: unknown): Generator<string> {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") yield at.code;
  }
}

/** lnd gives its own errors no status: they are status "unknown" and a text. */
function lndProblem(text: string, context: CallContext): Problem | null {
  if (text.includes("wallet locked")) {
    return ["node-locked", "its wallet is locked: `lncli unlock`"];
  }
  if (text.includes("wallet not created")) {
    return ["node-locked", "it has no wallet yet: `lncli create`"];
  }
  // lnd `rpcperms.ErrRPCStarting`, `rpcperms.ErrWaitingToStart`, `ErrServerNotActive`.
  if (/process of starting|waiting to start|server not active/.test(text)) {
    return ["node-syncing", `it is still starting (${text}): it needs some time`];
  }
  if (text.includes("permission denied") && context.call === restoreCall) {
    return [
      "node-denied",
      `the macaroon ${context.macaroonFrom} does not allow ${restoreCall}: it needs offchain:write, as the new node's own admin.macaroon has (give it with --macaroonpath)`,
    ];
  }
  if (text.includes("permission denied")) {
    return [
      "node-denied",
      `the macaroon ${context.macaroonFrom} does not allow ${context.call}: make one that does with \`${bakeMacaroonCommandFor(context.call)}\``,
    ];
  }
  if (/verification failed|macaroon/.test(text)) {
    return [
      "node-denied",
      `it does not accept the macaroon ${context.macaroonFrom} (${text}): take this lnd's own, of this network, and not one that was revoked or has expired`,
    ];
  }
  if (context.call === "VerifyChanBackup") {
    if (text.includes("message authentication failed")) {
      return [
        "decrypt",
        "it cannot decrypt this backup (message authentication failed): nearly always the backup is of " +
          "another seed than this node's, else its bytes are damaged",
      ];
    }
    if (text.includes("invalid multi channel backup")) {
      return ["decode", `it can decrypt this backup but not read it (${text})`];
    }
  }
  return null;
}

function statusProblem(error: ConnectError, context: CallContext): Problem {
  const { call } = context;
  const text = secretlessText(error.rawMessage);
  switch (error.code) {
    case Code.DeadlineExceeded:
      return ["node-unavailable", `no answer to ${call} within ${context.timeoutMs / 1000} s`];
    case Code.PermissionDenied:
    case Code.Unauthenticated:
      return [
        "node-denied",
        `it refuses ${call} (${text}): correct the macaroon ${context.macaroonFrom}`,
      ];
    case Code.Unimplemented:
      return [
        "node-unavailable",
        call === deriveKeyCall
          ? `it does not know the call ${call}: this lnd was built without walletrpc; give the key with --key-file`
          : `it does not know the call ${call}: is it lnd, of version 0.15 or later, and its gRPC port?`,
      ];
    case Code.Aborted:
    case Code.Canceled:
    case Code.Internal:
    case Code.Unavailable:
      return ["node-unavailable", `the connection was lost during ${call} (${text})`];
    default:
      return ["node-unavailable", `it answered ${call} with an error: ${text}`];
  }
}
