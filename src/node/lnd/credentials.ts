import { X509Certificate } from "node:crypto";
import { ScbError } from "../../runtime/error.ts";
import { readFileInTime } from "../../runtime/file-in-time.ts";

/**
 * Reads the certificate and the macaroon. They are read again each time, because lnd renews its
 * certificate and operators rotate macaroons. They are functions, so that printing an object that holds
 * them can't print a secret.
 */
export interface LndCredentials {
  /** Where the certificate is, for people; null if an authority that the system trusts signed it. */
  readonly certificateFrom: string | null;
  /** PEM, or null. Throws "io", or "node-untrusted" if it isn't a certificate. */
  readCertificate(): Promise<string | null>;
  readonly macaroonFrom: string;
  /** Hex, for lnd's `macaroon` header. A secret. Throws "io", or "node-denied" if it isn't a macaroon. */
  readMacaroon(): Promise<string>;
}

/** Given instead of a certificate's path: an authority that this system trusts signed it. */
export const systemAuthorities = "system";

/**
 * Credentials from the two files that lnd writes. `tlsCertPath` is null if an authority that the system
 * trusts signed the certificate.
 */
export function fileCredentials(tlsCertPath: string | null, macaroonPath: string): LndCredentials {
  return {
    certificateFrom: tlsCertPath,
    readCertificate: async () =>
      tlsCertPath === null
        ? null
        : checkedCertificate(await readCredential(tlsCertPath, "certificate"), tlsCertPath),
    macaroonFrom: macaroonPath,
    readMacaroon: async () =>
      macaroonHex(await readCredential(macaroonPath, "macaroon"), macaroonPath),
  };
}

/** Throws "node-untrusted" if `pem` holds no certificate. */
export function checkedCertificate(pem: Uint8Array | string, from: string): string {
  const text = typeof pem === "string" ? pem : Buffer.from(pem).toString("latin1");
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw new ScbError(
      "node-untrusted",
      `${from} holds no PEM certificate: give lnd's own tls.cert`,
      {
        cause: error,
      },
    );
  }
}

// Version 2 of libmacaroons' binary format, which lnd writes. An optional location and the identifier
// follow, so a handful of bytes can't be a macaroon.
const macaroonVersion = 2;
const smallestMacaroonSizeBytes = 40;

/** Throws "node-denied" if `bytes` aren't a macaroon. The message contains none of them. */
export function macaroonHex(bytes: Uint8Array, from: string): string {
  const buffer = Buffer.from(bytes);
  if (buffer[0] === macaroonVersion && buffer.length >= smallestMacaroonSizeBytes) {
    return buffer.toString("hex");
  }
  const isHex = buffer.length > 0 && /^[0-9a-f\s]+$/i.test(buffer.toString("latin1"));
  const remedy = isHex
    ? "it is hex text, but lnd's files are binary: convert it with `xxd -r -p`"
    : "give a file written by lnd or by `lncli bakemacaroon --save_to`";
  const what = buffer.length === 0 ? "is empty" : "holds no macaroon";
  throw new ScbError("node-denied", `${from} ${what}: ${remedy}`);
}

const longestReadMs = 10_000;

async function readCredential(path: string, what: "certificate" | "macaroon"): Promise<Uint8Array> {
  try {
    return await readFileInTime(path, longestReadMs);
  } catch (error) {
    if (error instanceof ScbError) {
      throw new ScbError("io", `lnd's ${what} ${path}: ${error.message}`, { cause: error });
    }
    const code = error instanceof Error && "code" in error ? error.code : "unknown";
    const reason =
      code === "EACCES" || code === "EPERM"
        ? "this user may not read it: run scb-mirror as a user who may, or give it its own copy"
        : code === "ENOENT"
          ? "there is no such file"
          : `reading failed (${String(code)})`;
    throw new ScbError("io", `lnd's ${what} ${path}: ${reason}`, { cause: error });
  }
}
