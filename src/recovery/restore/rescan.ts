import type { Network } from "../../keychain/network.ts";
import { lncli } from "./backup-file.ts";

/**
 * The last step of the way back. A wallet that was made anew watches only the addresses that it found
 * used by then: coins that confirm later at another one show only after this. Source: lnd,
 * `--reset-wallet-transactions` and `recovery_window` of the unlock, as measured on lnd 0.21.
 */
export function rescanCommands(network: Network | null): readonly string[] {
  return [
    `${lncli(network)} stop`,
    "lnd --reset-wallet-transactions",
    `${lncli(network)} unlock --recovery_window=2500`,
  ];
}
