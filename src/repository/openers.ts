import { unpackMulti } from "../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { RequestOptions } from "../store/object-store.ts";

/** Who can open a backup: a key, or else a running node. */
export interface Openers {
  readonly encrypter?: Encrypter | undefined;
  readonly witness?: NodeWitness | undefined;
}

/** Who of them would be asked. */
export function openerOf({ encrypter, witness }: Openers): "key" | "lnd" | null {
  if (encrypter !== undefined) return "key";
  return witness === undefined ? null : "lnd";
}

/** Opens a backup. Returns why it does not open, or null. Throws where the node cannot be asked. */
export async function tryToOpen(
  bytes: Uint8Array,
  { encrypter, witness }: Openers,
  { signal }: RequestOptions = {},
): Promise<ScbError | null> {
  try {
    if (encrypter !== undefined) unpackMulti(bytes, encrypter);
    else await witness?.channelPointsOf(bytes, signal);
    return null;
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return error;
    throw error;
  }
}
