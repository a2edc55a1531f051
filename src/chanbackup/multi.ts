import { BinaryReader } from "../wire/binary-reader.ts";
import { BinaryWriter } from "../wire/binary-writer.ts";
import { compareOutPoints } from "../wire/out-point.ts";
import type { Single } from "./single.ts";
import { singleCodec, writeSingle } from "./single-codec.ts";

/** The backup of all channels of a node (lnd `chanbackup.Multi`). */
export interface Multi {
  /** lnd `DefaultMultiVersion`: there is no other. */
  readonly version: 0;
  readonly staticBackups: readonly Single[];
}

/** Version and count: what a Multi has before its first channel. */
export const multiHeaderSizeBytes = 5;

/** By funding outpoint: as a new array. Those with one and the same outpoint keep their order. */
export function sortSingles(singles: Iterable<Single>): Single[] {
  // Nearly all differ in what the txid begins with as printed, and numbers compare faster.
  const withPrefix = Array.from(singles, (single) => {
    const { txid } = single.fundingOutpoint;
    const [a = 0, b = 0, c = 0, d = 0] = txid.subarray(-4);
    return { single, prefix: ((d << 24) | (c << 16) | (b << 8) | a) >>> 0 };
  });
  withPrefix.sort(
    (a, b) =>
      a.prefix - b.prefix || compareOutPoints(a.single.fundingOutpoint, b.single.fundingOutpoint),
  );
  return withPrefix.map(({ single }) => single);
}

/**
 * The plaintext of a Multi. Sorted by outpoint, so that equal states give equal bytes: lnd takes
 * any order. Two Singles with one outpoint are both written, in the order given: lnd takes that
 * too, and dropping either would be a guess. `mergeSingles` never makes such a Multi.
 *
 * Throws "encode" for what the format cannot hold. Source: lnd `Multi.PackToWriter`.
 */
export function serializeMulti(multi: Multi): Uint8Array {
  const writer = new BinaryWriter();
  // A library's caller may have got it from elsewhere than a type checker.
  const version: number = multi.version;
  if (version !== 0) writer.fail(`a Multi of version ${version}: only version 0 is known`);
  writer.u8(version, "Multi version");
  writer.u32(multi.staticBackups.length, "Multi count");
  for (const single of sortSingles(multi.staticBackups)) writeSingle(writer, single);
  return writer.finish();
}

/**
 * All or nothing: throws "decode" unless every byte was understood. Singles stay in the order of
 * the file, and two with one outpoint are both kept: lnd restores the first that it can.
 * Source: lnd `Multi.UnpackFromReader`, which does not look at what follows the last Single.
 */
export function deserializeMulti(plaintext: Uint8Array): Multi {
  const reader = new BinaryReader(plaintext);
  const version = reader.u8("Multi version");
  if (version !== 0) {
    reader.fail(
      `a Multi of version ${version}: only version 0 is known; a newer scb-mirror may know it`,
      0,
    );
  }
  const count = reader.u32("Multi count");
  reader.expectRoom(count, singleCodec.minSizeBytes, "Multi channels");
  const staticBackups: Single[] = [];
  for (let number = 1; number <= count; number++) {
    staticBackups.push(singleCodec.read(reader, `channel ${number} of ${count}`, undefined));
  }
  reader.end("Multi");
  return { version: 0, staticBackups };
}
