import { createHash, getFips } from "node:crypto";
import { md5 as noble } from "@noble/hashes/legacy.js";

/** Node's own MD5 is several times faster than noble's, but is disabled in FIPS mode. */
export function md5(bytes: Uint8Array): Buffer {
  return getFips() === 1 ? Buffer.from(noble(bytes)) : createHash("md5").update(bytes).digest();
}
