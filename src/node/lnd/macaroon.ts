import { ScbError } from "../../runtime/error.ts";
import { foreignText } from "../../runtime/foreign-text.ts";
import { BinaryReader } from "../../wire/binary-reader.ts";

/** What a macaroon permits, and under which conditions. Holds nothing from which one could be made. */
export interface MacaroonRights {
  readonly permissions: readonly MacaroonPermission[];
  /** lnd's own conditions, as text: "time-before 2026-01-01T00:00:00Z". */
  readonly conditions: readonly string[];
}

/** An entity and an action (offchain, read), or the entity "uri" and a method's full name. */
export interface MacaroonPermission {
  readonly entity: string;
  readonly action: string;
}

// Fields of libmacaroons' version 2 (`macaroon.parsePacketV2`), and of protobuf's `MacaroonId`.
const fields = { end: 0, location: 1, identifier: 2, verificationId: 4 } as const;
const macaroonVersion = 2;
const identifierVersion = 3;
const lengthDelimited = 2;
const idFields = { ops: 3 } as const;
const opFields = { entity: 1, actions: 2 } as const;

/**
 * Reads the permissions in a macaroon that lnd baked, without lnd. The format is version 2 of
 * libmacaroons' binary format, whose identifier is the byte 3 and bakery's `MacaroonId{nonce, storageId,
 * ops}`. Throws "decode" for anything else, without quoting it.
 */
export function readMacaroonRights(macaroon: Uint8Array): MacaroonRights {
  const reader = new BinaryReader(macaroon);
  if (reader.u8("macaroon version") !== macaroonVersion)
    reader.fail("macaroon: unknown version", 0);
  const head = section(reader);
  const identifier = head.get(fields.identifier);
  if (identifier === undefined) return reader.fail("macaroon: it has no identifier");
  const conditions: string[] = [];
  for (;;) {
    const caveat = section(reader);
    if (caveat.size === 0) break;
    const condition = caveat.get(fields.identifier);
    if (condition === undefined) return reader.fail("macaroon: a caveat has no identifier");
    conditions.push(
      caveat.has(fields.verificationId) ? "discharged by a third party" : text(condition),
    );
  }
  return { permissions: readIdentifier(identifier), conditions };
}

/** The packets up to the next end marker. */
function section(reader: BinaryReader): ReadonlyMap<number, Uint8Array> {
  const packets = new Map<number, Uint8Array>();
  for (;;) {
    const type = leb128(reader, "packet type");
    if (type === fields.end) return packets;
    packets.set(type, lengthPrefixed(reader, "packet"));
  }
}

function readIdentifier(identifier: Uint8Array): MacaroonPermission[] {
  if (identifier[0] !== identifierVersion) {
    throw new ScbError("decode", "macaroon: its identifier is not of the kind that lnd writes");
  }
  const permissions: MacaroonPermission[] = [];
  for (const [field, value] of message(identifier.subarray(1))) {
    if (field !== idFields.ops) continue;
    const op = [...message(value)];
    const entity = op.find(([name]) => name === opFields.entity)?.[1];
    for (const [name, action] of op) {
      if (name !== opFields.actions || entity === undefined) continue;
      permissions.push({ entity: text(entity), action: text(action) });
    }
  }
  return permissions;
}

/** The fields of a protobuf message; all of `MacaroonId`'s are length-delimited. */
function* message(bytes: Uint8Array): Generator<readonly [field: number, value: Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.remainingBytes > 0) {
    const tag = leb128(reader, "field");
    if ((tag & 7) !== lengthDelimited) reader.fail("macaroon: a field of an unknown kind");
    yield [tag >>> 3, lengthPrefixed(reader, "field")];
  }
}

function lengthPrefixed(reader: BinaryReader, what: string): Uint8Array {
  return reader.bytes(leb128(reader, `${what} length`), what);
}

/** No number in a macaroon takes more than four bytes. */
function leb128(reader: BinaryReader, what: string): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.u8(what);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return reader.fail(`${what}: a number is too long`);
}

function text(bytes: Uint8Array): string {
  return foreignText(new TextDecoder().decode(bytes));
}
