import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, ScbError } from "../../runtime/error.ts";
import { secretlessText } from "../../runtime/foreign-text.ts";
import { ProxyTrouble } from "../../runtime/proxy-trouble.ts";
import { bakeMacaroonCommandFor, deriveKeyCall, type LndCall, restoreCall } from "./lnd-calls.ts";

/** What a message about a failed call may name. Holds no secret. */
export interface CallContext {
  readonly call: LndCall;
  /** `lnd at host:port`. */
  readonly node: string;
  readonly certificateFrom: string | null;
  readonly macaroonFrom: string;
  readonly timeoutMs: number;
}

/** Whether the connection that `error` came from is unusable. */
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

/** Translates an exception of a call: transport errors by code, lnd's own errors by their text. */
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

/** Judges by the error code of Node's network, TLS or HTTP/2 layer, if that is the cause. */
function transportProblem(error: ConnectError, context: CallContext): Problem | null {
  if (error.cause instanceof ProxyTrouble) {
    const { kind, message } = error.cause;
    const remedy =
      kind === "unreached"
        ? "is lnd running, and does it listen at --rpcserver? Its onion service may need a minute"
        : "correct --socksproxy, and make sure that the proxy runs and accepts connections without a password";
    return ["node-unavailable", `${message}: ${remedy}`];
  }
  for (const code of nodeCodes(error)) {
    if (code === "ECONNREFUSED") {
      return [
        "node-unavailable",
        "nothing listens there: is lnd running? If it is, correct --rpcserver",
      ];
    }
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
      return ["node-unavailable", "this host name has no address: correct --rpcserver, or fix DNS"];
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return [
        "node-untrusted",
        "its certificate is not for this host name: add it to lnd.conf (tlsextradomain= or tlsextraip=) " +
          "and let lnd make a new certificate, or use a host name that the certificate lists",
      ];
    }
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
      return [
        "node-untrusted",
        "its certificate has expired or isn't valid yet: check this machine's clock. To renew it, restart lnd " +
          "without its tls.cert and tls.key, so that it makes new ones",
      ];
    }
    if (certificateCodes.includes(code)) {
      return [
        "node-untrusted",
        context.certificateFrom === null
          ? "no authority that this system trusts has signed its certificate: give lnd's tls.cert with --tlscertpath"
          : `its certificate isn't the one in ${context.certificateFrom}: use this lnd's current tls.cert (lnd renews it at times), and make sure that nothing else answers there`,
      ];
    }
    if (code === "ERR_HTTP2_ERROR" || code === "EPROTO" || code.startsWith("ERR_SSL_")) {
      return [
        "node-unavailable",
        "what answers there isn't lnd's gRPC server: correct --rpcserver (gRPC uses port 10009 by default; 8080 is REST, and 9735 is for peers)",
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

/** lnd gives its own errors no status code: they arrive as "unknown" with a text. */
function lndProblem(text: string, context: CallContext): Problem | null {
  if (text.includes("wallet locked")) {
    return ["node-locked", "its wallet is locked: run `lncli unlock`"];
  }
  if (text.includes("wallet not created")) {
    return ["node-locked", "it has no wallet yet: run `lncli create`"];
  }
  // lnd `rpcperms.ErrRPCStarting`, `rpcperms.ErrWaitingToStart`, `ErrServerNotActive`.
  if (/process of starting|waiting to start|server not active/.test(text)) {
    return ["node-syncing", `it is still starting (${text}): wait for it`];
  }
  if (text.includes("permission denied") && context.call === restoreCall) {
    return [
      "node-denied",
      `the macaroon ${context.macaroonFrom} does not allow ${restoreCall}: that needs offchain:write, which the new node's own admin.macaroon has (give it with --macaroonpath)`,
    ];
  }
  if (text.includes("permission denied")) {
    return [
      "node-denied",
      `the macaroon ${context.macaroonFrom} does not allow ${context.call}: bake one that does with \`${bakeMacaroonCommandFor(context.call)}\``,
    ];
  }
  if (/verification failed|macaroon/.test(text)) {
    return [
      "node-denied",
      `it does not accept the macaroon ${context.macaroonFrom} (${text}): give a macaroon of this lnd, for this network, that was not revoked and has not expired`,
    ];
  }
  if (context.call === "VerifyChanBackup") {
    if (text.includes("message authentication failed")) {
      return [
        "decrypt",
        "it cannot decrypt this backup (message authentication failed): nearly always, the backup is from " +
          "another seed than this node's; otherwise its bytes are damaged",
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
          ? `it does not know the call ${call}, because this lnd was built without walletrpc: give the key with --key-file`
          : `it does not know the call ${call}: is it lnd 0.15 or later, and its gRPC port?`,
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
