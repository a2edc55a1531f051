import type { KeyLocator } from "../keychain/key-locator.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { BinaryReader } from "../wire/binary-reader.ts";
import { BinaryWriter } from "../wire/binary-writer.ts";
import { bool, type Codec, fixedBytes, struct, u16, u16Bytes, u32, u64 } from "../wire/codec.ts";
import { hashSizeBytes } from "../wire/hash.ts";
import { msgTxCodec } from "../wire/msg-tx.ts";
import { netAddressListCodec } from "../wire/net-address-list.ts";
import { formatOutPoint, type OutPoint } from "../wire/out-point.ts";
import { optionalPublicKeyCodec, publicKeyCodec } from "../wire/public-key.ts";
import { shortChannelIdCodec } from "../wire/short-channel-id.ts";
import {
  type CloseTxInputs,
  type LocalChannelConfig,
  type RemoteChannelConfig,
  type ShaChainRootDesc,
  type Single,
  type SingleVersion,
  singleVersions,
} from "./single.ts";

/** What the version byte says about the body that follows. */
interface Layout {
  readonly version: SingleVersion;
  readonly hasCloseTxInputs: boolean;
}

/** The version byte's top bit: CloseTxInputs follow (lnd `closeTxVersionMask`). */
export const closeTxBit = 0x80;
const lengthSizeBytes = 2;
const headerSizeBytes = 1 + lengthSizeBytes;

const satoshi: Codec<number> = {
  minSizeBytes: 8,
  isFixedSize: true,
  read(reader, what) {
    const at = reader.offset;
    const value = reader.u64(what);
    if (value > 2n ** 53n) {
      reader.fail(`${what}: ${value} sat is over 2^53, more than can ever exist`, at);
    }
    return Number(value);
  },
  write(writer, value, what) {
    if (!Number.isInteger(value) || value < 0 || value > 2 ** 53) {
      writer.fail(`${what}: ${value} sat is not an integer from 0 to 2^53`);
    }
    writer.u64(BigInt(value), what);
  },
};

const keyLocator = struct<KeyLocator>({ family: u32, index: u32 });

/** Both sides have their keys in the same order. */
function channelConfig<Key>(key: Codec<Key>) {
  return {
    csvDelay: u16,
    multiSigKey: key,
    revocationBasePoint: key,
    paymentBasePoint: key,
    delayBasePoint: key,
    htlcBasePoint: key,
  };
}

const closeTxInputs = struct<CloseTxInputs, Layout>({
  commitTx: msgTxCodec,
  commitSig: u16Bytes,
  commitHeight: { codec: u64, isPresent: ({ version }) => isTaproot(version) },
  tapscriptRoot: {
    codec: fixedBytes(hashSizeBytes),
    isPresent: ({ version }) => version === singleVersions.tapscriptRoot,
  },
});

export type SingleBody = Omit<Single, "version">;

/** The field order of lnd's `Single.Serialize`, defined only here. */
const body = struct<SingleBody, Layout>({
  isInitiator: bool,
  chainHash: fixedBytes(hashSizeBytes),
  fundingOutpoint: struct<OutPoint>({ txid: fixedBytes(hashSizeBytes), index: u16 }),
  shortChannelId: shortChannelIdCodec,
  remoteNodePub: publicKeyCodec,
  addresses: netAddressListCodec,
  capacitySat: satoshi,
  localChanCfg: struct<LocalChannelConfig>(channelConfig(keyLocator)),
  remoteChanCfg: struct<RemoteChannelConfig>(channelConfig(publicKeyCodec)),
  shaChainRootDesc: struct<ShaChainRootDesc>({
    pubKey: optionalPublicKeyCodec,
    family: u32,
    index: u32,
  }),
  leaseExpiry: {
    codec: u32,
    isPresent: ({ version }) => version === singleVersions.scriptEnforcedLease,
  },
  closeTxInputs: {
    codec: closeTxInputs,
    isPresent: ({ hasCloseTxInputs }) => hasCloseTxInputs,
  },
});

/**
 * A Single within other bytes: version, length of the body as u16, body. lnd writes the length modulo
 * 2^16 and never reads it. Here it must be right, modulo 2^16.
 */
export const singleCodec: Codec<Single> = {
  minSizeBytes: headerSizeBytes + body.minSizeBytes,

  read(reader: BinaryReader, what) {
    const at = reader.offset;
    const layout = readLayout(reader, what);
    const announced = reader.u16(`${what} length`);
    const start = reader.offset;
    const fields = body.read(reader, what, layout);
    checkLength(reader, what, announced, start, at);
    return { version: layout.version, ...fields };
  },

  write(writer, single, what) {
    const { version } = single;
    if (!isSingleVersion(version)) writer.fail(`${what}: version ${version} is not known`);
    const layout = { version, hasCloseTxInputs: single.closeTxInputs !== undefined };
    const lengthAt = writeHeader(writer, layout, what);
    const start = writer.offset;
    body.write(writer, single, what, layout);
    writer.replaceU16(lengthAt, (writer.offset - start) % 0x1_0000, `${what} length`);
  },
};

/** Reads a Single and writes it as `singleCodec` does, without keeping it. Returns its version. */
export function copySingle(
  reader: BinaryReader,
  writer: BinaryWriter,
  what: string,
): SingleVersion {
  const at = reader.offset;
  const layout = readLayout(reader, what);
  const announced = reader.u16(`${what} length`);
  const start = reader.offset;
  const lengthAt = writeHeader(writer, layout, what);
  const writtenFrom = writer.offset;
  body.copy(reader, writer, what, layout);
  checkLength(reader, what, announced, start, at);
  writer.replaceU16(lengthAt, (writer.offset - writtenFrom) % 0x1_0000, `${what} length`);
  return layout.version;
}

function checkLength(
  reader: BinaryReader,
  what: string,
  announced: number,
  start: number,
  at: number,
): void {
  const sizeBytes = reader.offset - start;
  if (announced === sizeBytes % 0x1_0000) return;
  reader.fail(`${what}: announces ${announced} bytes and has ${sizeBytes}`, at);
}

/** Writes everything before the body. Returns the offset of the length field. */
function writeHeader(
  writer: BinaryWriter,
  { version, hasCloseTxInputs }: Layout,
  what: string,
): number {
  writer.u8(version | (hasCloseTxInputs ? closeTxBit : 0), `${what}.version`);
  const lengthAt = writer.offset;
  writer.u16(0, `${what} length`);
  return lengthAt;
}

function readLayout(reader: BinaryReader, what: string): Layout {
  const at = reader.offset;
  const byte = reader.u8(`${what}.version`);
  const version = byte & ~closeTxBit;
  if (!isSingleVersion(version)) {
    reader.fail(
      `${what}: version ${version} is not known, only 0 to 7 are; a newer scb-mirror may know it`,
      at,
    );
  }
  return { version, hasCloseTxInputs: (byte & closeTxBit) !== 0 };
}

/** Reads one field of a Single that was validated before. `plaintext` is the whole Single. */
export function readSingleField<K extends keyof SingleBody>(
  plaintext: Uint8Array,
  name: K,
): SingleBody[K] {
  const reader = new BinaryReader(plaintext);
  const layout = readLayout(reader, "channel");
  reader.skip(lengthSizeBytes, "channel length");
  return body.readField(reader, name, layout);
}

/** As `singleCodec.write`, but an error names the channel by its outpoint, which takes time to print. */
export function writeSingle(writer: BinaryWriter, single: Single): void {
  try {
    singleCodec.write(writer, single, "channel", undefined);
  } catch (error) {
    if (!hasCode(error, "encode")) throw error;
    const name = `channel ${formatOutPoint(single.fundingOutpoint)}`;
    throw new ScbError("encode", error.message.replace(/^channel/, name), { cause: error });
  }
}

/**
 * The plaintext of a Single. Throws "encode" for what the format can't hold or lnd couldn't read back.
 * Source: lnd `Single.Serialize`.
 */
export function serializeSingle(single: Single): Uint8Array {
  const writer = new BinaryWriter();
  writeSingle(writer, single);
  return writer.finish();
}

/** Parses exactly one Single. Throws "decode" for anything else. Source: lnd `Single.Deserialize`. */
export function deserializeSingle(plaintext: Uint8Array): Single {
  const reader = new BinaryReader(plaintext);
  const single = singleCodec.read(reader, "channel", undefined);
  reader.end("channel");
  return single;
}

const knownVersions: ReadonlySet<number> = new Set(Object.values(singleVersions));

function isSingleVersion(version: number): version is SingleVersion {
  return knownVersions.has(version);
}

function isTaproot(version: SingleVersion): boolean {
  return (
    version === singleVersions.simpleTaproot ||
    version === singleVersions.tapscriptRoot ||
    version === singleVersions.simpleTaprootFinal
  );
}
