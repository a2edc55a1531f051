import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";

const bytesOf = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: size, maxLength: size });

const key = Uint8Array.from({ length: 32 }, (_, at) => at + 0x80);

describe("backupKeyEncrypter", () => {
  it("agrees with another implementation, for any key, nonce and plaintext", () => {
    fc.assert(
      fc.property(
        bytesOf(32),
        bytesOf(24),
        fc.uint8Array({ maxLength: 5000 }),
        (k, nonce, plain) => {
          const encrypter = backupKeyEncrypter(k, { ...systemRandom, bytes: () => nonce });
          const packed = encrypter.encrypt(plain);
          const sealed = xchacha20poly1305(k, nonce, nonce).encrypt(plain);
          assert.deepEqual(packed, Uint8Array.from([...nonce, ...sealed]));
          assert.deepEqual(encrypter.decrypt(packed), plain);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("agrees with the vector of the draft", () => {
    // draft-irtf-cfrg-xchacha-03, A.3.1 has other associated data, so only the ciphertext is compared.
    const nonce = Uint8Array.from({ length: 24 }, (_, at) => at + 0x40);
    const plain = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const packed = backupKeyEncrypter(key, { ...systemRandom, bytes: () => nonce }).encrypt(plain);
    assert.equal(
      Buffer.from(packed.subarray(24, -16)).toString("hex"),
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e",
    );
  });

  it("takes a large plaintext, and bytes at any offset", () => {
    const encrypter = backupKeyEncrypter(key, systemRandom);
    const plain = new Uint8Array(1_000_003).fill(7).subarray(3);
    const packed = Uint8Array.from([0, ...encrypter.encrypt(plain)]).subarray(1);
    assert.deepEqual(encrypter.decrypt(packed), plain);
  });

  it("uses a new nonce each time", () => {
    const encrypter = backupKeyEncrypter(key, systemRandom);
    const nonces = [1, 2].map(() => encrypter.encrypt(new Uint8Array(1)).subarray(0, 24));
    assert.notDeepEqual(nonces[0], nonces[1]);
  });

  it("refuses bytes that have changed, wherever", () => {
    const encrypter = backupKeyEncrypter(key, systemRandom);
    const packed = encrypter.encrypt(Uint8Array.of(1, 2, 3));
    for (let at = 0; at < packed.length; at++) {
      const damaged = packed.map((byte, i) => (i === at ? byte ^ 1 : byte));
      assert.throws(() => encrypter.decrypt(damaged), { code: "decrypt" }, `byte ${at}`);
    }
  });

  it("says what a wrong key probably means", () => {
    const packed = backupKeyEncrypter(key, systemRandom).encrypt(new Uint8Array(5));
    const other = backupKeyEncrypter(key.toReversed(), systemRandom);
    assert.throws(
      () => other.decrypt(packed),
      (error: unknown) => {
        assert(hasCode(error, "decrypt"));
        assert.match(error.message, /message authentication failed.*seed, passphrase or network/);
        assert(error.cause instanceof Error);
        return true;
      },
    );
  });

  for (const size of [0, 24, 39]) {
    it(`refuses ${size} bytes as too few`, () => {
      const encrypter = backupKeyEncrypter(key, systemRandom);
      assert.throws(() => encrypter.decrypt(new Uint8Array(size)), { code: "decode" });
    });
  }

  for (const size of [0, 31, 33]) {
    it(`refuses a key of ${size} bytes`, () => {
      assert.throws(() => backupKeyEncrypter(new Uint8Array(size), systemRandom), { code: "key" });
    });
  }

  it("keeps its own copy of the key and shows it to nobody", () => {
    const mine = key.slice();
    const encrypter = backupKeyEncrypter(mine, systemRandom);
    const packed = encrypter.encrypt(new Uint8Array(5));
    mine.fill(0);
    assert.deepEqual(encrypter.decrypt(packed), new Uint8Array(5));
    const shown = inspect(encrypter, { depth: 9, showHidden: true }) + JSON.stringify(encrypter);
    assert.doesNotMatch(shown, /128, *129|8081/);
  });
});
