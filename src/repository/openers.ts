import { unpackMulti } from "../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { RequestOptions } from "../store/object-store.ts";
import { formatOutPoint } from "../wire/out-point.ts";

/** What can open a backup: a key, or without one a running node. */
export interface Openers {
  readonly encrypter?: Encrypter | undefined;
  readonly witness?: NodeWitness | undefined;
}

/** Which of them opens backups. */
export function openerOf({ encrypter, witness }: Openers): "key" | "lnd" | null {
  if (encrypter !== undefined) return "key";
  return witness === undefined ? null : "lnd";
}

/** Opens a backup. Returns null, or why it doesn't open. Throws if the node can't be asked. */
export async function tryToOpen(
  bytes: Uint8Array,
  openers: Openers,
  options: RequestOptions = {},
): Promise<ScbError | null> {
  const opened = await channelPointsIn(bytes, openers, options);
  return opened instanceof ScbError ? opened : null;
}

/** The channels in a backup, or why it doesn't open. Throws if the node can't be asked. */
export async function channelPointsIn(
  bytes: Uint8Array,
  { encrypter, witness }: Openers,
  { signal }: RequestOptions = {},
): Promise<readonly string[] | ScbError> {
  try {
    if (encrypter === undefined) return (await witness?.channelPointsOf(bytes, signal)) ?? [];
    const { staticBackups } = unpackMulti(bytes, encrypter);
    return staticBackups.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return error;
    throw error;
  }
}
