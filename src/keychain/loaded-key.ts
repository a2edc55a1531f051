import type { Random } from "../runtime/random.ts";
import { backupKeyEncrypter, type Encrypter } from "./encrypter.ts";
import type { Network } from "./network.ts";

/** A key that can read backups. Of what it was made from only the backup key is kept. */
export interface LoadedKey {
  readonly kind: "words" | "extended-key" | "backup-key" | "lnd";
  readonly network: Network;
  readonly encrypter: Encrypter;
  /**
   * The public key, in hex, that the node of this seed is known by; null where the key does not say:
   * a backup key, and an extended key of the one family that backups need.
   */
  readonly identityPubkey: string | null;
  /** For people: what is wrong with where it came from, though it can be used. */
  readonly warnings: readonly string[];
  /** The backup key in hex, never shown unasked: whoever has it can read every backup of the node. */
  backupKey(): string;
}

/** Throws "key" where the backup key has not 32 bytes. */
export function loadedKey(
  from: Omit<LoadedKey, "encrypter" | "backupKey"> & { readonly backupKey: Uint8Array },
  random: Random,
): LoadedKey {
  const { backupKey, kind, network, identityPubkey, warnings } = from;
  return {
    kind,
    network,
    identityPubkey,
    warnings,
    encrypter: backupKeyEncrypter(backupKey, random),
    backupKey: () => Buffer.from(backupKey).toString("hex"),
  };
}
