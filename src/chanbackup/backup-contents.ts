import type { Encrypter } from "../keychain/encrypter.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import { type Multi, sortSingles } from "./multi.ts";
import { type PackedMulti, unpackMultiInTurns } from "./packed-multi.ts";
import type { Single } from "./single.ts";
import { SingleView } from "./single-view.ts";

/** The channels in a backup. Both lists are sorted by txid as printed, then by index as a number. */
export interface BackupContents {
  /** "txid:index". */
  readonly channelPoints: readonly string[];
  /**
   * The bare channels. Judged by the bytes, those without CloseTxInputs; judged by lnd, those that it
   * calls restored. A restored channel is exported under the same channel point but with less data, so a
   * backup from before the loss is the better one. Null if nothing can tell.
   */
  readonly bareChannelPoints: readonly string[] | null;
}

/** Decrypts a packed Multi, with a key or through lnd. Throws "decrypt", "decode", or `node-*`. */
export type InspectBackup = (
  packed: PackedMulti,
  signal?: AbortSignal,
) => Promise<BackupContents & { readonly verifiedBy: "lnd" | "key" }>;

export function contentsOfMulti({ staticBackups }: Multi): BackupContents {
  const sorted = sortSingles(staticBackups);
  const points = (singles: typeof sorted): string[] =>
    singles.map((single) => formatOutPoint(single.fundingOutpoint));
  return {
    channelPoints: points(sorted),
    bareChannelPoints: points(sorted.filter(isBare)),
  };
}

function isBare(single: Single): boolean {
  return single instanceof SingleView
    ? !single.hasCloseTxInputs
    : single.closeTxInputs === undefined;
}

/** Opens backups with a key. */
export function inspectWith(encrypter: Encrypter): InspectBackup {
  return async (packed) => ({
    ...contentsOfMulti(await unpackMultiInTurns(packed, encrypter)),
    verifiedBy: "key",
  });
}
