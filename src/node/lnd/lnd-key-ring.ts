import type { KeyLocator } from "../../keychain/key-locator.ts";
import type { KeyRing } from "../../keychain/key-ring.ts";
import { ScbError } from "../../runtime/error.ts";
import { isPublicKey } from "../../wire/public-key.ts";
import { deriveKeyCall } from "./lnd-calls.ts";
import type { LndNode } from "./lnd-node.ts";

/**
 * The keys of a running lnd, where its macaroon allows `walletrpc.WalletKit/DeriveKey`. lnd derives
 * from its wallet as at any other time, and notes nothing of it. Source: lnd `WalletKit.DeriveKey`.
 */
export class LndKeyRing implements KeyRing {
  readonly #node: LndNode;

  constructor(node: LndNode) {
    this.#node = node;
  }

  /** Throws "node-denied" where the macaroon does not allow it, and the other `node-*` codes. */
  async deriveKey({ family, index }: KeyLocator, signal?: AbortSignal): Promise<Uint8Array> {
    const connection = await this.#node.connection(signal);
    const { rawKeyBytes } = await connection.call(
      deriveKeyCall,
      (client, options) => client.deriveKey({ keyFamily: family, keyIndex: index }, options),
      signal,
    );
    if (!isPublicKey(rawKeyBytes)) {
      // Not quoted: at family 7 it is what opens every backup.
      throw new ScbError(
        "key",
        `${this.#node.description} gave ${rawKeyBytes.length} bytes that are no public key for family ${family}, index ${index}`,
      );
    }
    return rawKeyBytes;
  }
}
