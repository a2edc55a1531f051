import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { ScbError } from "../../src/runtime/error.ts";

/**
 * Seals nothing: 24 bytes, the plaintext with every bit turned, 16 bytes. The sizes are those of
 * the real one, which has tests of its own.
 */
export const fakeEncrypter: Encrypter = {
  encrypt: (plaintext) => new Uint8Array([...mark(24), ...plaintext.map(turn), ...mark(16)]),
  decrypt(packed) {
    const isOurs = packed[0] === 0x99 && packed.at(-1) === 0x99;
    if (!isOurs) throw new ScbError("decrypt", "not sealed by the fake");
    return packed.slice(24, -16).map(turn);
  },
};

function mark(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(0x99);
}

function turn(byte: number): number {
  return byte ^ 0xff;
}
