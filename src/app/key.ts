import { loadKeyFile, readPassphraseFile } from "../keychain/key-file.ts";
import { deriveBackupKey } from "../keychain/key-ring.ts";
import { type LoadedKey, loadedKey } from "../keychain/loaded-key.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { openLnd } from "./open-lnd.ts";
import type { Settings } from "./settings.ts";

/** Loads the key that `--key-file` names, or null where none is named. Throws "io" and "key". */
export async function openKey(surroundings: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly random: Random;
  /** Asks a person for the passphrase of the words, where one can be asked. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}): Promise<LoadedKey | null> {
  const { settings, logger, random, askPassphrase } = surroundings;
  const path = settings["key-file"];
  if (path === undefined) return null;
  const loaded = await loadKeyFile(path, {
    network: settings.network ?? "mainnet",
    random,
    passphrase: async () => {
      const passphrasePath = settings["passphrase-file"];
      if (passphrasePath === undefined) return askPassphrase?.();
      const { passphrase, warnings } = await readPassphraseFile(passphrasePath);
      for (const warning of warnings) logger.warn({}, warning);
      return passphrase;
    },
  });
  for (const warning of loaded.warnings) logger.warn({}, warning);
  return loaded;
}

/**
 * The backup key of the running lnd that the settings name. Throws "node-denied" where its macaroon
 * does not allow to derive it, and what else `LndNode` throws.
 */
export async function keyOfLnd(surroundings: {
  readonly settings: Settings;
  readonly random: Random;
  readonly signal: AbortSignal;
}): Promise<LoadedKey> {
  const { settings, random, signal } = surroundings;
  const { LndKeyRing } = await import("../node/lnd/lnd-key-ring.ts");
  const node = await openLnd(settings);
  try {
    const { pubkey, network } = await node.identify(signal);
    const backupKey = await deriveBackupKey(new LndKeyRing(node), signal);
    return loadedKey(
      { kind: "lnd", network, identityPubkey: pubkey, warnings: [], backupKey },
      random,
    );
  } finally {
    node.close();
  }
}
