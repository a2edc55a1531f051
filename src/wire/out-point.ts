import { ScbError } from "../runtime/error.ts";
import { formatHash, parseHash } from "./hash.ts";

/** One output of one transaction: for a channel, its channel point (btcd `wire.OutPoint`). */
export interface OutPoint {
  /** 32 bytes in internal order, the reverse of what explorers print. */
  readonly txid: Uint8Array;
  /** 0 to 2^32 - 1. */
  readonly index: number;
}

/** `txid:index`, the txid as explorers print it. */
export function formatOutPoint(outPoint: OutPoint): string {
  return `${formatHash(outPoint.txid)}:${outPoint.index}`;
}

/** The inverse of `formatOutPoint`. Throws "decode" unless it is `txid:index`. */
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
 * A channel point as `formatOutPoint` writes it, so that equal ones are equal as text. Throws "decode"
 * unless it is `txid:index`.
 */
export function canonicalOutPoint(text: string): string {
  return formatOutPoint(parseOutPoint(text));
}

/** The project's order of channels: by txid as printed, then by index as a number. */
export function compareOutPoints(a: OutPoint, b: OutPoint): number {
  for (let at = a.txid.length - 1; at >= 0; at--) {
    const difference = (a.txid[at] ?? 0) - (b.txid[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.index - b.index;
}
