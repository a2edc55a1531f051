import type { Random } from "../runtime/random.ts";
import { backupKeyEncrypter, type Encrypter } from "./encrypter.ts";
import type { Network } from "./network.ts";

/** A key that can read backups. Only the backup key is kept of its source. */
export interface LoadedKey {
  readonly kind: "words" | "extended-key" | "backup-key" | "lnd";
  readonly network: Network;
  readonly encrypter: Encrypter;
  /**
   * The public key, in hex, that identifies the node of this seed. Null if the key doesn't tell: a backup
   * key, or an extended key of only the family that backups need.
   */
  readonly identityPubkey: string | null;
  /** For people: problems with the key's source that don't prevent its use. */
  readonly warnings: readonly string[];
  /**
   * The backup key in hex. Never shown unasked, because anyone who has it can read every backup of the
   * node.
   */
  backupKey(): string;
}

/** Throws "key" if the backup key doesn't have 32 bytes. */
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
