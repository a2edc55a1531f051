import { type Codec, struct, u16, u24 } from "./codec.ts";

/** The position of a funding output in the chain (lnd `lnwire.ShortChannelID`). */
export interface ShortChannelID {
  /** Below 2^24. For an unconfirmed channel, the height at which its funding was sent. */
  readonly blockHeight: number;
  /** Below 2^24. */
  readonly txIndex: number;
  /** Below 2^16. */
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
