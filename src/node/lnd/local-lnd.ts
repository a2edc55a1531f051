import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Network, networks } from "../../keychain/network.ts";
import { defaultLndDir, systemFolders } from "./lnd-config.ts";

/** An lnd with its folder on this machine. */
export interface LocalLnd {
  readonly lndDir: string;
  /** The networks that it has used, the default one first. */
  readonly networks: readonly Network[];
  /** Its `channel.backup` on the first of them; null if there is none, or this user can't read it. */
  readonly backupFile: string | null;
}

/** Finds an lnd in the folder where `lncli` expects it. Null if there is none that this user can read. */
export async function findLocalLnd(folders = systemFolders()): Promise<LocalLnd | null> {
  const lndDir = defaultLndDir(folders);
  if (!(await isReadable(join(lndDir, "tls.cert")))) return null;
  const chainDir = join(lndDir, "data", "chain", "bitcoin");
  const used = await readdir(chainDir).catch((): string[] => []);
  const found = networks.filter((network) => used.includes(network));
  const backupFile = join(chainDir, found[0] ?? "mainnet", "channel.backup");
  return {
    lndDir,
    networks: found,
    backupFile: (await isReadable(backupFile)) ? backupFile : null,
  };
}

function isReadable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
