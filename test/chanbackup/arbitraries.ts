import fc from "fast-check";
import type { Multi } from "../../src/chanbackup/multi.ts";
import {
  type CloseTxInputs,
  type Single,
  type SingleVersion,
  singleVersions,
} from "../../src/chanbackup/single.ts";
import type { KeyLocator } from "../../src/keychain/key-locator.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import {
  arbitraryAddresses,
  arbitraryBytes,
  arbitraryMsgTx,
  arbitraryOutPoint,
  arbitraryPublicKey,
  arbitraryShortChannelId,
  arbitraryU16,
  arbitraryU32,
  arbitraryU64,
  plainRecord,
} from "../wire/arbitraries.ts";

export const allSingleVersions: readonly SingleVersion[] = Object.values(singleVersions);

const arbitraryKeyLocator: fc.Arbitrary<KeyLocator> = plainRecord({
  family: arbitraryU32,
  index: arbitraryU32,
});

function channelConfig<Key>(key: fc.Arbitrary<Key>) {
  return plainRecord({
    csvDelay: arbitraryU16,
    multiSigKey: key,
    revocationBasePoint: key,
    paymentBasePoint: key,
    delayBasePoint: key,
    htlcBasePoint: key,
  });
}

function arbitraryCloseTxInputs(version: SingleVersion): fc.Arbitrary<CloseTxInputs> {
  return plainRecord({
    commitTx: arbitraryMsgTx,
    commitSig: fc.uint8Array({ maxLength: 73 }),
    ...(version >= singleVersions.simpleTaproot ? { commitHeight: arbitraryU64 } : {}),
    ...(version === singleVersions.tapscriptRoot ? { tapscriptRoot: arbitraryBytes(32) } : {}),
  });
}

/** A valid Single of this version, with all that the version may or must have. */
export function arbitrarySingleOf(version: SingleVersion): fc.Arbitrary<Single> {
  const fields = plainRecord({
    version: fc.constant(version),
    isInitiator: fc.boolean(),
    chainHash: arbitraryBytes(32),
    fundingOutpoint: arbitraryOutPoint,
    shortChannelId: arbitraryShortChannelId,
    remoteNodePub: arbitraryPublicKey,
    addresses: arbitraryAddresses,
    capacitySat: fc.oneof(fc.maxSafeNat(), fc.constant(2 ** 53)),
    localChanCfg: channelConfig(arbitraryKeyLocator),
    remoteChanCfg: channelConfig(arbitraryPublicKey),
    shaChainRootDesc: plainRecord({
      pubKey: fc.option(arbitraryPublicKey),
      family: arbitraryU32,
      index: arbitraryU32,
    }),
    ...(version === singleVersions.scriptEnforcedLease ? { leaseExpiry: arbitraryU32 } : {}),
  });
  const closeTxInputs = fc.option(arbitraryCloseTxInputs(version), { nil: undefined });
  return fc
    .tuple(fields, closeTxInputs)
    .map(([single, inputs]) =>
      inputs === undefined ? single : { ...single, closeTxInputs: inputs },
    );
}

/** A valid Single of any version. */
export const arbitrarySingle: fc.Arbitrary<Single> = fc.oneof(
  ...allSingleVersions.map(arbitrarySingleOf),
);

/** A Multi of up to `maxChannels` channels, each with its own outpoint, in any order. */
export function arbitraryMulti(maxChannels = 4): fc.Arbitrary<Multi> {
  return fc
    .uniqueArray(arbitrarySingle, {
      maxLength: maxChannels,
      selector: (single) => formatOutPoint(single.fundingOutpoint),
    })
    .map((staticBackups) => ({ version: 0 as const, staticBackups }));
}
