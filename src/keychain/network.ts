/** The chains that lnd runs on, by the names of its `--network`. */
export const networks = ["mainnet", "testnet", "testnet4", "signet", "simnet", "regtest"] as const;
/** One of `networks`. */
export type Network = (typeof networks)[number];

/** The coin type in lnd's key paths. Source: lnd `keychain.CoinTypeBitcoin`, `CoinTypeTestnet`. */
export function coinTypeOf(network: Network): 0 | 1 {
  return network === "mainnet" ? 0 : 1;
}
