import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter } from "./binary-writer.ts";
import { type Codec, fixedBytes, struct } from "./codec.ts";
import { hashSizeBytes } from "./hash.ts";
import type { OutPoint } from "./out-point.ts";
import { varBytes, varList } from "./varint.ts";

/** btcd `wire.TxIn`. */
export interface TxIn {
  readonly previousOutPoint: OutPoint;
  readonly signatureScript: Uint8Array;
  readonly sequence: number;
  /** Empty if the input has none. */
  readonly witness: readonly Uint8Array[];
}

/** btcd `wire.TxOut`. */
export interface TxOut {
  /** Satoshi, a signed 64-bit number. Nothing has checked it. */
  readonly value: bigint;
  readonly pkScript: Uint8Array;
}

/**
 * A Bitcoin transaction (btcd `wire.MsgTx`). It is only copied between files: it is written back with the
 * same bytes, and its validity isn't checked.
 */
export interface MsgTx {
  /** A signed 32-bit number. */
  readonly version: number;
  readonly txIn: readonly TxIn[];
  readonly txOut: readonly TxOut[];
  readonly lockTime: number;
}

// btcd's limits (`MaxMessagePayload` of 4 MiB, `scriptSlabSize`): lnd can't read anything above them.
const maxTxIn = 102_301;
const maxTxOut = 466_034;
const maxWitnessItems = 4_000_000;
const maxScriptSizeBytes = 4_000_000;
const maxScriptsSizeBytes = 4 * 1024 * 1024;

const u32le: Codec<number> = {
  minSizeBytes: 4,
  read: (reader, what) => reader.u32le(what),
  write: (writer, value, what) => writer.u32le(value, what),
};

const i64le: Codec<bigint> = {
  minSizeBytes: 8,
  read: (reader, what) => reader.i64le(what),
  write: (writer, value, what) => writer.i64le(value, what),
};

const script = varBytes(maxScriptSizeBytes);

const inputs = varList(
  struct<Omit<TxIn, "witness">>({
    previousOutPoint: struct<OutPoint>({ txid: fixedBytes(hashSizeBytes), index: u32le }),
    signatureScript: script,
    sequence: u32le,
  }),
  maxTxIn,
);

const outputs = varList(struct<TxOut>({ value: i64le, pkScript: script }), maxTxOut);

const witnessStack = varList(script, maxWitnessItems);

const segwitMarker = 0;
const segwitFlag = 1;

/** Reads and writes one transaction within other bytes. Source: btcd `MsgTx.BtcDecode`. */
export const msgTxCodec: Codec<MsgTx> = {
  minSizeBytes: 10,

  read(reader, what, layout) {
    const at = reader.offset;
    const version = reader.i32le(`${what}.version`);
    const hasWitness = skipSegwitMarker(reader, what);
    const bareInputs = inputs.read(reader, `${what}.txIn`, layout);
    const txOut = outputs.read(reader, `${what}.txOut`, layout);
    const txIn = bareInputs.map((input, index) => ({
      ...input,
      witness: hasWitness
        ? witnessStack.read(reader, `${what}.txIn[${index}].witness`, layout)
        : [],
    }));
    const tx = { version, txIn, txOut, lockTime: 0 };
    if (hasWitness && !carriesWitness(tx)) {
      reader.fail(`${what}: announces witnesses and has none`, at);
    }
    if (scriptsSizeBytes(tx) > maxScriptsSizeBytes) reader.fail(scriptsTooLarge(what), at);
    return { ...tx, lockTime: reader.u32le(`${what}.lockTime`) };
  },

  write(writer, tx, what, layout) {
    // Without inputs, the count would read as the segwit marker.
    if (tx.txIn.length === 0) writer.fail(`${what}: has no inputs, so it could not be read back`);
    if (scriptsSizeBytes(tx) > maxScriptsSizeBytes) writer.fail(scriptsTooLarge(what));
    const hasWitness = carriesWitness(tx);
    writer.i32le(tx.version, `${what}.version`);
    if (hasWitness) {
      writer.u8(segwitMarker, what);
      writer.u8(segwitFlag, what);
    }
    inputs.write(writer, tx.txIn, `${what}.txIn`, layout);
    outputs.write(writer, tx.txOut, `${what}.txOut`, layout);
    if (hasWitness) {
      for (const [index, { witness }] of tx.txIn.entries()) {
        witnessStack.write(writer, witness, `${what}.txIn[${index}].witness`, layout);
      }
    }
    writer.u32le(tx.lockTime, `${what}.lockTime`);
  },
};

/** Bitcoin's own serialisation. Throws "encode" for what lnd couldn't read back. */
export function serializeMsgTx(tx: MsgTx): Uint8Array {
  const writer = new BinaryWriter();
  msgTxCodec.write(writer, tx, "transaction", undefined);
  return writer.finish();
}

/** Parses exactly one transaction. Throws "decode" for anything else. */
export function deserializeMsgTx(bytes: Uint8Array): MsgTx {
  const reader = new BinaryReader(bytes);
  const tx = msgTxCodec.read(reader, "transaction", undefined);
  reader.end("transaction");
  return tx;
}

/** BIP 144: a marker in place of the input count, then a flag. */
function skipSegwitMarker(reader: BinaryReader, what: string): boolean {
  if (reader.peek() !== segwitMarker) return false;
  reader.u8(what);
  const at = reader.offset;
  const flag = reader.u8(`${what} segwit flag`);
  if (flag !== segwitFlag) {
    reader.fail(`${what}: has segwit flag ${flag}, only ${segwitFlag} is known`, at);
  }
  return true;
}

function carriesWitness(tx: MsgTx): boolean {
  return tx.txIn.some(({ witness }) => witness.length > 0);
}

function scriptsSizeBytes(tx: MsgTx): number {
  let sum = 0;
  for (const { signatureScript, witness } of tx.txIn) {
    sum += signatureScript.length;
    for (const item of witness) sum += item.length;
  }
  for (const { pkScript } of tx.txOut) sum += pkScript.length;
  return sum;
}

function scriptsTooLarge(what: string): string {
  return `${what}: its scripts and witnesses have more than the ${maxScriptsSizeBytes} bytes that lnd takes`;
}
