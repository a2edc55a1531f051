import { X509Certificate } from "node:crypto";
import { ScbError } from "../../runtime/error.ts";
import { readFileInTime } from "../../runtime/file-in-time.ts";

/**
 * Where the certificate and the macaroon come from. They are read anew each time, for lnd renews
 * its certificate and macaroons are rotated, and they are functions, so that an object that holds
 * them can be printed without printing a secret.
 */
export interface LndCredentials {
  /** Where the certificate is, for people; null for "signed by an authority that the system trusts". */
  readonly certificateFrom: string | null;
  /** PEM, or null. Throws "io", or "node-untrusted" when it is no certificate. */
  readCertificate(): Promise<string | null>;
  readonly macaroonFrom: string;
  /** Hex, as lnd's `macaroon` header wants it. A secret. Throws "io", or "node-denied" when it is none. */
  readMacaroon(): Promise<string>;
}

/** In place of a certificate's path: an authority that this system trusts has signed it. */
export const systemAuthorities = "system";

/**
 * Credentials in the two files that lnd writes. `tlsCertPath` is null if an authority that the system
 * trusts has signed the certificate.
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

/** Throws "node-untrusted" when `pem` holds no certificate. */
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

// Version 2 of libmacaroons' binary format, the one that lnd writes; then come an optional location
// and the identifier, so a handful of bytes cannot be a macaroon.
const macaroonVersion = 2;
const smallestMacaroonSizeBytes = 40;

/** Throws "node-denied" when `bytes` are no macaroon. The message holds nothing of them. */
export function macaroonHex(bytes: Uint8Array, from: string): string {
  const buffer = Buffer.from(bytes);
  if (buffer[0] === macaroonVersion && buffer.length >= smallestMacaroonSizeBytes) {
    return buffer.toString("hex");
  }
  const isHex = buffer.length > 0 && /^[0-9a-f\s]+$/i.test(buffer.toString("latin1"));
  const remedy = isHex
    ? "it is hex text, lnd's own files are binary: turn it back with `xxd -r -p`"
    : "give one that lnd or `lncli bakemacaroon --save_to` has written";
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
        ? "this user may not read it: run scb-mirror as a user who may, or give it a copy of its own"
        : code === "ENOENT"
          ? "there is no such file"
          : `reading failed (${String(code)})`;
    throw new ScbError("io", `lnd's ${what} ${path}: ${reason}`, { cause: error });
  }
}
