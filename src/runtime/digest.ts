import { hash } from "node:crypto";

/**
 * SHA-256 in lower-case hex. Node's implementation is several times faster than noble's on a large Multi.
 */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash("sha256", bytes);
}
