import { newSingle } from "../../src/chanbackup/new-single.ts";
import { emptyMultiSizeBytes } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { SingleView } from "../../src/chanbackup/single-view.ts";
import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type { Random } from "../../src/runtime/random.ts";
import { parseOutPoint } from "../../src/wire/out-point.ts";
import { channel } from "../chanbackup/sub-swapper-fakes.ts";

/**
 * What a simulated node packs: not encrypted, but it looks like a packed Multi from outside, and each is
 * different. The checker reads from it which state of the node it holds.
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
  // Like encrypted bytes: no text, and no runs of one byte.
  for (let at = 0; at < packed.length; at += 1) packed[at] = (magic + at * 37) & 0xff;
  const view = new DataView(packed.buffer);
  view.setUint32(1, state);
  view.setUint32(5, nonce);
  channels.forEach((channel, index) => {
    view.setUint32(emptyMultiSizeBytes + index * singleSizeBytes, channel);
  });
  return packed;
}

/** Null for bytes that no simulated node, and no program in pack mode, has packed. */
export function readBackup(packed: Uint8Array): BackupFacts | null {
  if (packed[0] === packMagic) return readMulti(packed);
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

/** What a program in pack mode makes begins with it. */
const packMagic = 0x02;
const nonceSizeBytes = 24;
const tagSizeBytes = 16;
const singles = new Map<number, SingleView>();

/** A channel as a program in pack mode reports it: the same Single for the same channel. */
export function singleOf(number: number): Single {
  const known = singles.get(number);
  if (known !== undefined) return known;
  const fundingOutpoint = parseOutPoint(channelPoint(number));
  const single = SingleView.of(newSingle({ ...channel(1), fundingOutpoint }));
  singles.set(number, single);
  return single;
}

/**
 * Hides nothing, but gives each packing different bytes, as encryption does, and opens nothing that
 * was packed with another key.
 */
export function simulatedEncrypter(random: Random, key: number): Encrypter {
  return {
    encrypt(plaintext) {
      const packed = new Uint8Array(nonceSizeBytes + plaintext.length + tagSizeBytes);
      packed.set(random.bytes(nonceSizeBytes));
      packed.set(veiled(plaintext), nonceSizeBytes);
      packed[0] = packMagic;
      packed[1] = key;
      return packed;
    },
    decrypt(packed) {
      if (packed[0] === packMagic && packed[1] === key)
        return veiled(packed.subarray(nonceSizeBytes, -tagSizeBytes));
      throw new ScbError("decrypt", "simulated: packed with another key");
    },
  };
}

/** No stretch of one byte, as encrypted bytes have none; done twice, it is undone. */
function veiled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (byte, at) => byte ^ ((at * 37) & 0xff));
}

/** Where a Single has its txid, the last byte of the number first: after header, flag and chain. */
const txidOffset = 3 + 1 + 32;

/** What is in a real Multi, by where its bytes are. It does not show of which state of the node it is. */
function readMulti(packed: Uint8Array): BackupFacts {
  const sizeBytes = (singleOf(1) as SingleView).plaintext.length;
  const view = new DataView(veiled(packed.subarray(nonceSizeBytes)).buffer);
  const channels = Array.from({ length: view.getUint32(1) }, (_, index) =>
    view.getUint32(5 + index * sizeBytes + txidOffset, true),
  );
  return { state: 0, nonce: 0, channels };
}
