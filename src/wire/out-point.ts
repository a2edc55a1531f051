import { ScbError } from "../runtime/error.ts";
import { formatHash, parseHash } from "./hash.ts";

/** Names one output of one transaction: for a channel, its channel point (btcd `wire.OutPoint`). */
export interface OutPoint {
  /** 32 bytes in internal order: the reverse of what explorers print. */
  readonly txid: Uint8Array;
  /** 0 to 2^32 - 1. */
  readonly index: number;
}

/** `txid:index`, the txid as explorers print it. */
export function formatOutPoint(outPoint: OutPoint): string {
  return `${formatHash(outPoint.txid)}:${outPoint.index}`;
}

/** The reverse of `formatOutPoint`. Throws "decode" when it is not `txid:index`. */
export function parseOutPoint(text: string): OutPoint {
  const [, txid, digits] = /^([0-9a-f]{64}):([0-9]{1,10})$/i.exec(text) ?? [];
  const index = Number(digits);
  if (txid === undefined || index > 0xffff_ffff) {
    throw new ScbError(
      "decode",
      `an outpoint is txid:index (64 hex digits, a colon, an output number), not ${JSON.stringify(text)}`,
    );
  }
  return { txid: parseHash(txid), index };
}

/**
 * A channel point in the one spelling that `formatOutPoint` gives it, so that equal ones are equal as
 * text. Throws "decode" when it is not `txid:index`.
 */
export function canonicalOutPoint(text: string): string {
  return formatOutPoint(parseOutPoint(text));
}

/** The project's order of channels: by the txid as printed, then by the index as a number. */
export function compareOutPoints(a: OutPoint, b: OutPoint): number {
  for (let at = a.txid.length - 1; at >= 0; at--) {
    const difference = (a.txid[at] ?? 0) - (b.txid[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.index - b.index;
}
