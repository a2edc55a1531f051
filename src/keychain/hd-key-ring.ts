import { HARDENED_OFFSET, HDKey, type Versions } from "@scure/bip32";
import { ScbError } from "../runtime/error.ts";
import { decipherWords } from "./aezeed-words.ts";
import type { KeyLocator } from "./key-locator.ts";
import type { KeyRing } from "./key-ring.ts";
import { keyTokens } from "./key-text.ts";
import { coinTypeOf, type Network } from "./network.ts";
import { deriveHardenedNonStandard } from "./non-standard-derivation.ts";

/** lnd's purpose under BIP 43. Source: lnd `keychain.BIP0043Purpose`. */
const purpose = 1017;

/**
 * The keys of an lnd wallet, from its root key or from a key further down the path
 * m/1017'/coinType'/family'. Source: lnd `keychain.BtcWalletKeyRing`.
 */
export class HdKeyRing implements KeyRing {
  // Private, so that inspecting or serialising a key ring doesn't reveal it.
  readonly #key: HDKey;
  readonly #coinType: number;

  private constructor(key: HDKey, network: Network) {
    this.#key = key;
    this.#coinType = coinTypeOf(network);
  }

  /** From the entropy of an aezeed, 16 bytes. */
  static fromEntropy(entropy: Uint8Array, network: Network): HdKeyRing {
    return new HdKeyRing(HDKey.fromMasterSeed(entropy), network);
  }

  /**
   * From the 24 words of lnd's `create`, as text or one by one, in any case. No passphrase and "" are
   * aezeed's default. Computes for about a second. Throws "key", and never quotes a word.
   */
  static async fromWords(
    words: string | readonly string[],
    network: Network,
    passphrase?: string,
  ): Promise<HdKeyRing> {
    const text = typeof words === "string" ? words : words.join(" ");
    const entropy = await decipherWords(keyTokens(text) ?? [], () => passphrase);
    return HdKeyRing.fromEntropy(entropy, network);
  }

  /**
   * From an extended private key in base 58: the root, m/1017', m/1017'/coinType' or
   * m/1017'/coinType'/family'. Throws "key" for anything else, or a key of another network.
   */
  static fromExtendedKey(text: string, network: Network): HdKeyRing {
    const key = parseExtendedKey(text, network);
    const path = [purpose, coinTypeOf(network)];
    const expected = path[key.depth - 1];
    if (key.depth > 3 || (expected !== undefined && key.index !== HARDENED_OFFSET + expected)) {
      throw new ScbError(
        "key",
        `this extended key is neither the root key of an lnd wallet on ${network} nor one of ` +
          `m/1017', m/1017'/${path[1]}' or m/1017'/${path[1]}'/7'`,
      );
    }
    return new HdKeyRing(key, network);
  }

  /** Whether it has this family's keys. An extended key of one family has no others. */
  hasFamily(family: number): boolean {
    return this.#key.depth < 3 || this.#key.index === HARDENED_OFFSET + family;
  }

  async deriveKey({ family, index }: KeyLocator): Promise<Uint8Array> {
    const { publicKey } = this.#deriveAccount(family).deriveChild(0).deriveChild(index);
    if (publicKey === null) throw new ScbError("internal", "an extended key without a public key");
    return publicKey;
  }

  #deriveAccount(family: number): HDKey {
    let key = this.#key;
    if (key.depth === 3) {
      if (!this.hasFamily(family)) {
        throw new ScbError(
          "key",
          `this extended key has the keys of family ${key.index - HARDENED_OFFSET}, but those of family ${family} are needed`,
        );
      }
      return key;
    }
    // btcwallet doesn't compute the root as a number, so it has all 32 bytes of its hash.
    if (key.depth === 0) key = key.deriveChild(HARDENED_OFFSET + purpose);
    if (key.depth === 1) key = deriveHardenedNonStandard(key, this.#coinType);
    // btcwallet derives the first family while it still holds the coin type key as a number, and the
    // others after reading that key back from its string, which has all 32 bytes.
    return family === 0
      ? deriveHardenedNonStandard(key, family)
      : key.deriveChild(HARDENED_OFFSET + family);
  }
}

const mainnetVersions: Versions = { private: 0x0488ade4, public: 0x0488b21e };
const testnetVersions: Versions = { private: 0x04358394, public: 0x043587cf };
const simnetVersions: Versions = { private: 0x0420b900, public: 0x0420bd3a };

/** The first letters of an extended private key name its network. Source: btcd `chaincfg`. */
const prefixes: Readonly<Record<string, { versions: Versions; networks: readonly Network[] }>> = {
  xprv: { versions: mainnetVersions, networks: ["mainnet"] },
  tprv: { versions: testnetVersions, networks: ["testnet", "testnet4", "signet", "regtest"] },
  sprv: { versions: simnetVersions, networks: ["simnet"] },
};

function parseExtendedKey(text: string, network: Network): HDKey {
  const prefix = prefixes[text.slice(0, 4)];
  if (prefix === undefined) {
    throw new ScbError("key", "an extended private key begins with xprv, tprv or sprv");
  }
  if (!prefix.networks.includes(network)) {
    throw new ScbError(
      "key",
      `this extended key is for ${prefix.networks.join(", ")}, but the network is ${network}: ` +
        "set --network to the node's",
    );
  }
  try {
    return HDKey.fromExtendedKey(text, prefix.versions);
  } catch {
    // Without a cause, because base 58 error messages may quote the key.
    throw new ScbError("key", "the extended private key is damaged: copy it again in full");
  }
}
