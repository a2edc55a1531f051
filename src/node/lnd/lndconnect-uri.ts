import { ScbError } from "../../runtime/error.ts";
import { checkedCertificate, type LndCredentials, macaroonHex } from "./credentials.ts";
import { parseLndAddress } from "./lnd-address.ts";

const from = "the lndconnect URI";

/**
 * Parses `lndconnect://host:port?cert=BASE64URL&macaroon=BASE64URL`: the certificate in DER, the macaroon
 * in binary. Without `cert`, the system's authorities are trusted. Throws "usage" for anything else,
 * without quoting it, because it may hold the macaroon.
 */
export function parseLndconnectUri(uri: string): { address: string; credentials: LndCredentials } {
  if (!URL.canParse(uri) || !uri.toLowerCase().startsWith("lndconnect://")) {
    throw new ScbError(
      "usage",
      "--lndconnect must be lndconnect://HOST:PORT?cert=…&macaroon=… as `lndconnect -j` prints it",
    );
  }
  const { host, searchParams } = new URL(uri);
  const address = parseLndAddress(host, "--lndconnect");
  const certificate = searchParams.get("cert");
  const pem = certificate === null ? null : pemOf(decoded(certificate, "cert"));
  const macaroon = searchParams.get("macaroon");
  if (macaroon === null) {
    throw new ScbError("usage", "--lndconnect has no macaroon: it must hold &macaroon=…");
  }
  const hex = macaroonHex(decoded(macaroon, "macaroon"), from);
  if (pem !== null) checkedCertificate(pem, from);
  return {
    address,
    credentials: {
      certificateFrom: pem === null ? null : from,
      readCertificate: () => Promise.resolve(pem),
      macaroonFrom: from,
      readMacaroon: () => Promise.resolve(hex),
    },
  };
}

// A query turns "+" into a space, and some tools write plain base64.
function decoded(text: string, name: string): Uint8Array {
  const base64 = text.replaceAll(" ", "+");
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(base64)) {
    throw new ScbError("usage", `--lndconnect: its ${name} is not base64url`);
  }
  return new Uint8Array(Buffer.from(base64.replaceAll("-", "+").replaceAll("_", "/"), "base64"));
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
