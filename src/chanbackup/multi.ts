import { inTurns, thingsInOneTurn } from "../runtime/turns.ts";
import { BinaryReader } from "../wire/binary-reader.ts";
import { BinaryWriter } from "../wire/binary-writer.ts";
import { compareOutPoints } from "../wire/out-point.ts";
import type { Single, SingleVersion } from "./single.ts";
import { copySingle, singleCodec, writeSingle } from "./single-codec.ts";
import { SingleView } from "./single-view.ts";

/** The backup of all channels of a node (lnd `chanbackup.Multi`). */
export interface Multi {
  /** lnd `DefaultMultiVersion`, the only one. */
  readonly version: 0;
  readonly staticBackups: readonly Single[];
}

/** Version and count, which precede a Multi's first channel. */
export const multiHeaderSizeBytes = 5;

/** A new array, sorted by funding outpoint. Singles with equal outpoints keep their order. */
export function sortSingles(singles: Iterable<Single>): Single[] {
  // Nearly all txids differ in their first printed digits, and numbers compare faster.
  const withPrefix = Array.from(singles, (single) => {
    const { txid } = single.fundingOutpoint;
    const byte = (at: number): number => txid[txid.length - at] ?? 0;
    const prefix = ((byte(1) << 24) | (byte(2) << 16) | (byte(3) << 8) | byte(4)) >>> 0;
    return { single, prefix };
  });
  withPrefix.sort(
    (a, b) =>
      a.prefix - b.prefix || compareOutPoints(a.single.fundingOutpoint, b.single.fundingOutpoint),
  );
  return withPrefix.map(({ single }) => single);
}

/**
 * The plaintext of a Multi. Sorted by outpoint, so that equal states give equal bytes; lnd takes any
 * order. Two Singles with one outpoint are both written, in the given order: lnd takes that too, and
 * dropping either would be a guess. `mergeSingles` never makes such a Multi.
 *
 * Throws "encode" for what the format can't hold. Source: lnd `Multi.PackToWriter`.
 */
export function serializeMulti(multi: Multi): Uint8Array {
  const { staticBackups } = multi;
  const writer = new BinaryWriter(capacityBytes(staticBackups));
  // A library's caller may bypass the type checker.
  const version: number = multi.version;
  if (version !== 0) writer.fail(`a Multi of version ${version}: only version 0 is known`);
  writer.u8(version, "Multi version");
  writer.u32(staticBackups.length, "Multi count");
  for (const single of sortSingles(staticBackups)) {
    if (single instanceof SingleView) {
      const { plaintext } = single;
      writer.bytes(plaintext, plaintext.length, "channel");
    } else {
      writeSingle(writer, single);
    }
  }
  return writer.finish();
}

/** The size of most channels. Too little does no harm. */
const usualSingleSizeBytes = 800;

function capacityBytes(singles: readonly Single[]): number {
  let sum = multiHeaderSizeBytes;
  for (const single of singles) {
    sum += single instanceof SingleView ? single.plaintext.length : usualSingleSizeBytes;
  }
  return sum;
}

/**
 * All or nothing: throws "decode" unless every byte was understood. Singles stay in the file's order, and
 * two with one outpoint are both kept: lnd restores the first that it can. They share one copy of the
 * bytes, which lives as long as any of them; `plaintext` itself isn't kept.
 *
 * Source: lnd `Multi.UnpackFromReader`, which ignores what follows the last Single.
 */
export function deserializeMulti(plaintext: Uint8Array): Multi {
  const steps = readMulti(plaintext);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `deserializeMulti`, but lets the event loop turn, because thousands of channels take a while. */
export function deserializeMultiInTurns(plaintext: Uint8Array): Promise<Multi> {
  return inTurns(readMulti(plaintext));
}

function* readMulti(plaintext: Uint8Array): Generator<void, Multi> {
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
  // The copy has lnd's own encoding, which is never longer than another.
  const writer = new BinaryWriter(plaintext.length);
  const places: { version: SingleVersion; start: number; end: number }[] = [];
  for (let number = 1; number <= count; number++) {
    const start = writer.offset;
    const singleVersion = copySingle(reader, writer, `channel ${number} of ${count}`);
    places.push({ version: singleVersion, start, end: writer.offset });
    if (number % thingsInOneTurn === 0) yield;
  }
  reader.end("Multi");
  const kept = writer.finish();
  const staticBackups = places.map(
    ({ version, start, end }) => new SingleView(version, kept, start, end),
  );
  return { version: 0, staticBackups };
}
