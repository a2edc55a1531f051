import { type LoadedKey, loadKeyFile, readPassphraseFile } from "../keychain/key-file.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
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
