/**
 * Locates one key of an lnd wallet: m/1017'/coinType'/family'/0/index. Source: lnd `keychain.KeyLocator`.
 */
export interface KeyLocator {
  readonly family: number;
  readonly index: number;
}

/** What lnd uses each family for. Source: lnd `keychain.KeyFamily`. */
export const keyFamilies = {
  multiSig: 0,
  revocationBase: 1,
  htlcBase: 2,
  paymentBase: 3,
  delayBase: 4,
  revocationRoot: 5,
  nodeKey: 6,
  baseEncryption: 7,
} as const;
