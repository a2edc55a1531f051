import type { Network } from "../../keychain/network.ts";
import { lncli } from "./backup-file.ts";

/**
 * The last step of a recovery. A new wallet watches only the addresses that it found in use; coins that
 * confirm later at another address show up only after this rescan. Source: lnd,
 * `--reset-wallet-transactions` and `recovery_window` of the unlock, as measured on lnd 0.21.
 */
export function rescanCommands(network: Network | null): readonly string[] {
  return [
    `${lncli(network)} stop`,
    "lnd --reset-wallet-transactions",
    `${lncli(network)} unlock --recovery_window=2500`,
  ];
}
