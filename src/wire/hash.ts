import { ScbError } from "../runtime/error.ts";

/** The size of transaction ids, block hashes and the tapscript root. */
export const hashSizeBytes = 32;

/**
 * A transaction or block hash as explorers print it: the bytes in reverse order, in lower-case hex (btcd
 * `chainhash.Hash.String`).
 */
export function formatHash(hash: Uint8Array): string {
  return Buffer.from(hash).reverse().toString("hex");
}

/** The bytes, in internal order, of a printed hash. Throws "decode". */
export function parseHash(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new ScbError("decode", `a hash has 64 hex digits, not ${JSON.stringify(text)}`);
  }
  return new Uint8Array(Buffer.from(text, "hex").reverse());
}
