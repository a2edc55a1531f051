import { emptyMultiSizeBytes } from "../../src/chanbackup/packed-multi.ts";

/**
 * What a simulated node packs: not encrypted, but as a packed Multi looks from outside, and each
 * different from all others. The checker reads from it which state of the node it holds.
 */
export interface BackupFacts {
  /** Grows with each change of the node's channels. */
  readonly state: number;
  readonly channels: readonly number[];
  /** Fresh for each packing, as the nonce of an encryption is. */
  readonly nonce: number;
}

const singleSizeBytes = 420;
/** A control character, which no text begins with. */
const magic = 0x01;

export function packBackup({ state, channels, nonce }: BackupFacts): Uint8Array {
  const packed = new Uint8Array(emptyMultiSizeBytes + channels.length * singleSizeBytes);
  packed.fill(magic);
  const view = new DataView(packed.buffer);
  view.setUint32(1, state);
  view.setUint32(5, nonce);
  channels.forEach((channel, index) => {
    view.setUint32(emptyMultiSizeBytes + index * singleSizeBytes, channel);
  });
  return packed;
}

/** Null for bytes that no simulated node has packed. */
export function readBackup(packed: Uint8Array): BackupFacts | null {
  if (packed.length < emptyMultiSizeBytes || packed[0] !== magic) return null;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = (packed.length - emptyMultiSizeBytes) / singleSizeBytes;
  if (!Number.isInteger(count)) return null;
  const channels = Array.from({ length: count }, (_, index) =>
    view.getUint32(emptyMultiSizeBytes + index * singleSizeBytes),
  );
  return { state: view.getUint32(1), nonce: view.getUint32(5), channels };
}

/** The channel's funding outpoint; in the order of the numbers. */
export function channelPoint(channel: number): string {
  return `${channel.toString(16).padStart(64, "0")}:0`;
}
