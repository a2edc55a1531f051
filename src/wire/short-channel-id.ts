import { type Codec, struct, u16, u24 } from "./codec.ts";

/** Where a funding output stands in the chain (lnd `lnwire.ShortChannelID`). */
export interface ShortChannelID {
  /** Under 2^24. For a channel that is not confirmed: the height at which its funding went out. */
  readonly blockHeight: number;
  /** Under 2^24. */
  readonly txIndex: number;
  /** Under 2^16. */
  readonly txPosition: number;
}

/** Eight bytes. */
export const shortChannelIdCodec: Codec<ShortChannelID> = struct<ShortChannelID>({
  blockHeight: u24,
  txIndex: u24,
  txPosition: u16,
});

/** `401x1x0` (lnd `ShortChannelID.AltString`). */
export function formatShortChannelId(id: ShortChannelID): string {
  return `${id.blockHeight}x${id.txIndex}x${id.txPosition}`;
}
