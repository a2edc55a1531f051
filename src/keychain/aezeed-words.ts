import { ScbError } from "../runtime/error.ts";

const wordCount = 24;

/** lnd refuses seeds made for a later scheme. Source: lnd `keychain.IsKnownVersion`. */
const newestInternalVersion = 1;

/**
 * The 16 bytes of entropy that an lnd wallet is made from. `words` are in lower case. An empty or
 * missing passphrase is aezeed's own default, as in lnd. Takes about a second of computing, for a
 * passphrase must be slow to guess. Throws `key`; the message never quotes a word.
 * Source: lnd `aezeed.Mnemonic.ToCipherSeed`.
 */
export async function decipherWords(
  words: readonly string[],
  passphrase: string | undefined,
): Promise<Uint8Array> {
  if (words.length !== wordCount) {
    throw new ScbError("key", `an aezeed has ${wordCount} words, here are ${words.length}`);
  }
  // Loaded only here: it takes longer to load than most commands run.
  const [{ CipherSeed }, { mnemonicToBytes }] = await Promise.all([
    import("aezeed"),
    import("aezeed/src/mnemonic.js"),
  ]);

  const unknown = words.flatMap((word, at) => (isKnown(word, mnemonicToBytes) ? [] : [at + 1]));
  if (unknown.length > 0) {
    throw new ScbError("key", `not in the list of aezeed words: number ${unknown.join(", ")}`);
  }

  const seed = ((): { entropy: Uint8Array; internalVersion: number } => {
    try {
      return passphrase === undefined || passphrase === ""
        ? CipherSeed.fromMnemonic(words.join(" "))
        : CipherSeed.fromMnemonic(words.join(" "), passphrase);
    } catch (error) {
      throw fromAezeedError(error, passphrase);
    }
  })();
  if (seed.internalVersion > newestInternalVersion) {
    throw new ScbError(
      "key",
      `the seed is of version ${seed.internalVersion}, known are versions up to ${newestInternalVersion}: ` +
        "get a newer scb-mirror",
    );
  }
  return Uint8Array.from(seed.entropy);
}

/** The package says that a word is wrong, but not which. */
function isKnown(word: string, mnemonicToBytes: (mnemonic: string) => unknown): boolean {
  try {
    mnemonicToBytes(new Array(wordCount).fill(word).join(" "));
    return true;
  } catch {
    return false;
  }
}

function fromAezeedError(error: unknown, passphrase: string | undefined): ScbError {
  const message = error instanceof Error ? error.message : "";
  switch (message) {
    case "Invalid cipherSeedVersion":
      return new ScbError(
        "key",
        "these 24 words are no aezeed of version 0: a word is wrong, or they are those of another " +
          "kind of wallet (BIP 39)",
      );
    case "CRC checksum mismatch":
      return new ScbError(
        "key",
        "the checksum of the words is wrong: a word is wrong or in another's place",
      );
    case "Invalid Password":
      return new ScbError(
        "key",
        passphrase === undefined || passphrase === ""
          ? "these words have a passphrase: give it with --passphrase-file"
          : "the passphrase is not the one of these words",
      );
    default:
      // No cause: it could quote what it was given.
      return new ScbError("internal", "a defect in scb-mirror: reading the words failed");
  }
}
