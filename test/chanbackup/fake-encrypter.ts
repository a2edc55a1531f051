import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { ScbError } from "../../src/runtime/error.ts";

/**
 * Seals nothing: 24 bytes, the plaintext with each byte turned by its place, 16 bytes. The sizes are those
 * of the real one, which has tests of its own, and there are no runs in it either.
 */
export const fakeEncrypter: Encrypter = {
  encrypt: (plaintext) => new Uint8Array([...mark(24), ...plaintext.map(turn), ...mark(16)]),
  decrypt(packed) {
    const isOurs = packed[0] === mark(24)[0] && packed.at(-1) === mark(16).at(-1);
    if (!isOurs) throw new ScbError("decrypt", "not sealed by the fake");
    return packed.slice(24, -16).map(turn);
  },
};

function mark(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(0x99).map(turn);
}

function turn(byte: number, at: number): number {
  return byte ^ ((at * 197 + (at >> 8) * 31 + 11) & 0xff);
}
