import type { KeyLocator } from "../../keychain/key-locator.ts";
import type { KeyRing } from "../../keychain/key-ring.ts";
import { ScbError } from "../../runtime/error.ts";
import { isPublicKey } from "../../wire/public-key.ts";
import { deriveKeyCall } from "./lnd-calls.ts";
import type { LndNode } from "./lnd-node.ts";

/**
 * The keys of a running lnd whose macaroon permits `walletrpc.WalletKit/DeriveKey`. The wallet derives
 * them as it always does, and records nothing. Source: lnd `WalletKit.DeriveKey`.
 */
export class LndKeyRing implements KeyRing {
  readonly #node: LndNode;

  constructor(node: LndNode) {
    this.#node = node;
  }

  /** Throws "node-denied" if the macaroon doesn't permit it, and the other `node-*` codes. */
  async deriveKey({ family, index }: KeyLocator, signal?: AbortSignal): Promise<Uint8Array> {
    const connection = await this.#node.connection(signal);
    const { rawKeyBytes } = await connection.call(
      deriveKeyCall,
      (client, options) => client.deriveKey({ keyFamily: family, keyIndex: index }, options),
      signal,
    );
    if (!isPublicKey(rawKeyBytes)) {
      // Never quote the bytes: at family 7 they open every backup.
      throw new ScbError(
        "key",
        `${this.#node.description} returned ${rawKeyBytes.length} bytes that aren't a public key for family ${family}, index ${index}`,
      );
    }
    return rawKeyBytes;
  }
}
