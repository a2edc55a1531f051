/** The content of a macaroon as lnd bakes it. */
export interface MacaroonParts {
  /** "entity:action"; several of one entity stand in one op, as lnd writes them. */
  readonly permissions: readonly string[];
  readonly conditions?: readonly string[];
}

/** A macaroon in lnd's binary form, with a meaningless nonce, storage id and signature. */
export function makeMacaroon({ permissions, conditions = [] }: MacaroonParts): Buffer {
  const ops = new Map<string, string[]>();
  for (const permission of permissions) {
    const at = permission.indexOf(":");
    const [entity, action] = [permission.slice(0, at), permission.slice(at + 1)];
    ops.set(entity, [...(ops.get(entity) ?? []), action]);
  }
  const id = Buffer.concat([
    Buffer.from([3]),
    field(1, Buffer.alloc(16, 0xaa)),
    field(2, Buffer.from("0")),
    ...[...ops].map(([entity, actions]) =>
      field(
        3,
        Buffer.concat([
          field(1, Buffer.from(entity)),
          ...actions.map((action) => field(2, Buffer.from(action))),
        ]),
      ),
    ),
  ]);
  const end = Buffer.from([0]);
  const caveats = conditions.flatMap((condition) => [packet(2, Buffer.from(condition)), end]);
  return Buffer.concat([
    Buffer.from([2]),
    packet(1, Buffer.from("lnd")),
    packet(2, id),
    end,
    ...caveats,
    end,
    packet(6, Buffer.alloc(32, 0xbb)),
  ]);
}

function field(number: number, value: Buffer): Buffer {
  return packet((number << 3) | 2, value);
}

function packet(type: number, value: Buffer): Buffer {
  return Buffer.concat([leb128(type), leb128(value.length), value]);
}

function leb128(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
