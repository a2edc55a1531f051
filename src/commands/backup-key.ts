import { keyOfLnd, openKey } from "../app/key.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { explainingEncrypter, nodePubkeyOf } from "../repository/wrong-key.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";
import type { NodeStore } from "./node-store.ts";

/** The key that the command needs. If there is none, throws "usage" with `why` and what to give. */
export async function requireBackupKey(context: ActionContext, why: string): Promise<LoadedKey> {
  const key = (await openKey(context)) ?? (isLndNamed(context) ? await keyOfLnd(context) : null);
  if (key !== null) return key;
  throw new ScbError(
    "usage",
    `${why}: give --key-file (or --from lnd, with a macaroon that allows uri:/walletrpc.WalletKit/DeriveKey)`,
  );
}

/**
 * The key, if the command works without one too: if lnd is away, or its macaroon doesn't allow it, that is
 * only reported on stderr.
 */
export async function openBackupKey(context: ActionContext): Promise<LoadedKey | null> {
  const key = await openKey(context);
  if (key !== null || !isLndNamed(context)) return key;
  try {
    return await keyOfLnd(context);
  } catch (error) {
    const isUnavailable = hasCode(
      error,
      "node-unavailable",
      "node-untrusted",
      "node-denied",
      "node-locked",
      "node-syncing",
    );
    if (!isUnavailable) throw error;
    context.logger.warn({}, `continuing without a key: ${error.message}`);
    return null;
  }
}

/** Decrypts the backups in this node's folder with the key; if the key is wrong, says whose it is. */
export async function encrypterFor(
  { node, store }: NodeStore,
  key: LoadedKey | null,
  signal: AbortSignal,
): Promise<Encrypter | undefined> {
  if (key === null) return undefined;
  return explainingEncrypter(key, await nodePubkeyOf(store, node, { signal }));
}

function isLndNamed({ settings }: ActionContext): boolean {
  return settings.from === "lnd";
}
