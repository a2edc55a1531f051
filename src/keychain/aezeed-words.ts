import { ScbError } from "../runtime/error.ts";
import { isBip39 } from "./bip39.ts";

const wordCount = 24;

/** lnd refuses seeds made for a later scheme. Source: lnd `keychain.IsKnownVersion`. */
const newestInternalVersion = 1;

/**
 * The 16 bytes of entropy that an lnd wallet is made from. `words` are in lower case. `passphrase` is
 * called only for words that could be lnd's; an empty or missing one is aezeed's default, as in lnd.
 * Computes for about a second, because a passphrase must be slow to guess. Throws "key"; the message
 * never quotes a word. Source: lnd `aezeed.Mnemonic.ToCipherSeed`.
 */
export async function decipherWords(
  words: readonly string[],
  passphraseOf: () => Promise<string | undefined> | string | undefined,
): Promise<Uint8Array> {
  // Loaded only here, because loading takes longer than most commands run.
  const [{ CipherSeed }, { mnemonicToBytes }] = await Promise.all([
    import("aezeed"),
    import("aezeed/src/mnemonic.js"),
  ]);
  const indices = words.map((word) => indexOf(word, mnemonicToBytes));
  const unknown = indices.flatMap((index, at) => (index === null ? [at + 1] : []));
  const isOtherWallets = unknown.length === 0 && isBip39(indices.map((index) => index ?? 0));
  if (words.length !== wordCount) {
    throw new ScbError(
      "key",
      isOtherWallets
        ? `these ${words.length} words belong to another kind of wallet (BIP 39), not to lnd: ${giveLnds}`
        : `an lnd seed (aezeed) has ${wordCount} words, but these are ${words.length}: ${giveLnds}`,
    );
  }
  if (unknown.length > 0) {
    throw new ScbError("key", `not in the list of aezeed words: number ${unknown.join(", ")}`);
  }
  const passphrase = await passphraseOf();
  const seed = ((): { entropy: Uint8Array; internalVersion: number } => {
    try {
      return passphrase === undefined || passphrase === ""
        ? CipherSeed.fromMnemonic(words.join(" "))
        : CipherSeed.fromMnemonic(words.join(" "), passphrase);
    } catch (error) {
      throw fromAezeedError(error, passphrase, isOtherWallets);
    }
  })();
  if (seed.internalVersion > newestInternalVersion) {
    throw new ScbError(
      "key",
      `the seed has version ${seed.internalVersion}, but this program only knows versions up to ${newestInternalVersion}: ` +
        "get a newer scb-mirror",
    );
  }
  return Uint8Array.from(seed.entropy);
}

const giveLnds = "give the 24 words that `lncli create` printed for this node";

/** The word's index in the list, which the package doesn't export. */
function indexOf(word: string, mnemonicToBytes: (mnemonic: string) => Buffer): number | null {
  try {
    // A word encodes 11 bits.
    return mnemonicToBytes(new Array(wordCount).fill(word).join(" ")).readUInt16BE() >> 5;
  } catch {
    return null;
  }
}

function fromAezeedError(
  error: unknown,
  passphrase: string | undefined,
  isOtherWallets: boolean,
): ScbError {
  const message = error instanceof Error ? error.message : "";
  switch (message) {
    case "Invalid cipherSeedVersion":
      return new ScbError(
        "key",
        isOtherWallets
          ? `these 24 words belong to another kind of wallet (BIP 39), not to lnd: ${giveLnds}`
          : "these 24 words are not an lnd seed (aezeed version 0): a word is wrong, or they belong to another kind of wallet",
      );
    case "CRC checksum mismatch":
      return new ScbError(
        "key",
        "the checksum of the words is wrong: a word is wrong, or two words are swapped",
      );
    case "Invalid Password":
      return new ScbError(
        "key",
        passphrase === undefined || passphrase === ""
          ? "these words have a passphrase: give it with --passphrase-file"
          : "the passphrase is wrong for these words",
      );
    default:
      // Without a cause, which could quote its input.
      return new ScbError("internal", "a defect in scb-mirror: reading the words failed");
  }
}
