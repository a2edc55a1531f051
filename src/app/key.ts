import { loadKeyFile, readPassphraseFile } from "../keychain/key-file.ts";
import { deriveBackupKey } from "../keychain/key-ring.ts";
import { type LoadedKey, loadedKey } from "../keychain/loaded-key.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { openLnd } from "./open-lnd.ts";
import type { Settings } from "./settings.ts";

/** Loads the key that `--key-file` names; null without one. Throws "io" and "key". */
export async function openKey(options: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly random: Random;
  /** Asks a person for the seed's passphrase, if there is a terminal to ask at. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}): Promise<LoadedKey | null> {
  const { settings, logger, random, askPassphrase } = options;
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
 * Derives the backup key of the running lnd in the settings. Throws "node-denied" if lnd's macaroon
 * doesn't permit it, and whatever `LndNode` throws.
 */
export async function keyOfLnd(options: {
  readonly settings: Settings;
  readonly random: Random;
  readonly signal: AbortSignal;
}): Promise<LoadedKey> {
  const { settings, random, signal } = options;
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
