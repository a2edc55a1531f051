import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BinaryReader } from "../../src/wire/binary-reader.ts";
import { BinaryWriter } from "../../src/wire/binary-writer.ts";
import { formatNetAddress, type NetAddress } from "../../src/wire/net-address.ts";
import { netAddressListCodec } from "../../src/wire/net-address-list.ts";
import { arbitraryAddresses } from "./arbitraries.ts";
import { throwsScb } from "./throws.ts";

function read(hex: string): readonly NetAddress[] {
  const reader = new BinaryReader(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  const addresses = netAddressListCodec.read(reader, "addresses", undefined);
  reader.end("addresses");
  return addresses;
}

function write(addresses: readonly NetAddress[]): string {
  const writer = new BinaryWriter();
  netAddressListCodec.write(writer, addresses, "addresses", undefined);
  return Buffer.from(writer.finish()).toString("hex");
}

function ipv6(hex: string): NetAddress {
  return { kind: "tcp6", host: new Uint8Array(Buffer.from(hex, "hex")), port: 9735 };
}

describe("a list of addresses", () => {
  test("reads back as it was written", () => {
    fc.assert(
      fc.property(arbitraryAddresses, (addresses) => {
        assert.deepEqual(read(write(addresses)), addresses);
      }),
    );
  });

  const onion3 = "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f214703";
  const valid: readonly [name: string, hex: string, printed: string[]][] = [
    ["nothing", "0000", []],
    ["IPv4", "0007 01 01020304 2607", ["1.2.3.4:9735"]],
    ["IPv6", "0013 02 20010db8000000000000000000000001 2607", ["[2001:db8::1]:9735"]],
    ["Tor v2", "000d 03 d9a8d7af8f8795428b8c 2607", ["3gunpl4pq6kufc4m.onion:9735"]],
    [
      "Tor v3",
      `0026 04 ${onion3} 2607`,
      ["pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:9735"],
    ],
    ["DNS", "000f 05 0b 6578616d706c652e636f6d 0050", ["example.com:80"]],
    ["DNS without a name", "0004 05 00 0050", [":80"]],
    ["DNS with a name that holds a colon", "0006 05 02 3a3a 0050", ["[::]:80"]],
    ["DNS with a control byte", "0006 05 02 1b63 0050", ["\u001bc:80"]],
    ["DNS with a name that is not UTF-8", "0005 05 01 ff 0050", ["\ufffd:80"]],
    ["DNS with a byte order mark", "0007 05 03 efbbbf 0050", ["\ufeff:80"]],
    ["of unknown type, which swallows the rest", "0005 06 01 7f 00 00", ["opaque:06017f0000"]],
    [
      "of unknown type, after another",
      "0009 01 7f000001 0001 ff 01",
      ["127.0.0.1:1", "opaque:ff01"],
    ],
  ];
  for (const [name, hex, printed] of valid) {
    test(`${name}: read, printed, and written back`, () => {
      const addresses = read(hex);
      assert.deepEqual(addresses.map(formatNetAddress), printed);
      assert.equal(write(addresses), hex.replaceAll(" ", ""));
    });
  }

  test("type 0 is dropped", () => {
    const addresses = read("000a 00 00 01 01020304 2607 00");
    assert.deepEqual(addresses.map(formatNetAddress), ["1.2.3.4:9735"]);
    assert.equal(write(addresses), "000701010203042607");
  });

  test("an IPv4-mapped address becomes an IPv4 one, in reading and in writing", () => {
    const mapped = "00000000000000000000ffff01020304";
    assert.equal(write(read(`0013 02 ${mapped} 2607`)), "000701010203042607");
    assert.equal(write([ipv6(mapped)]), "000701010203042607");
  });

  test("what only looks IPv4-mapped stays IPv6", () => {
    for (const other of ["00000000000000000001ffff01020304", "000000000000000000000000 01020304"]) {
      const hex = `001302${other.replace(" ", "")}2607`;
      assert.equal(write(read(hex)), hex);
    }
  });

  const invalid: readonly [name: string, hex: string, message: RegExp][] = [
    [
      "a length beyond the end",
      "0008 01 01020304 2607",
      /addresses: 8 bytes are needed, but 7 are left/,
    ],
    ["an IPv4 address cut off", "0006 01 01020304 26", /addresses\[0\]\.port: 2 bytes .*offset 7/],
    ["an IPv6 address cut off", "000a 02 010203040506070809", /addresses\[0\]\.host: 16 bytes/],
    ["a host name beyond its list", "0003 05 05 61", /addresses\[0\]\.host: 5 bytes are needed/],
    [
      "a type and nothing more",
      "0001 01",
      /addresses\[0\]\.host: 4 bytes are needed, but 0 are left/,
    ],
    [
      "an address that ends outside",
      "0003 01 0102 0304 2607",
      /4 bytes are needed, but 2 are left/,
    ],
  ];
  for (const [name, hex, message] of invalid) {
    test(`refuses ${name}`, () => throwsScb(() => read(hex), "decode", message));
  }

  const unwritable: readonly [name: string, address: NetAddress, message: RegExp][] = [
    ["a host name of 256 bytes", { kind: "dns", host: new Uint8Array(256), port: 1 }, /256/],
    ["five bytes of IPv4", { kind: "tcp4", host: new Uint8Array(5), port: 1 }, /5 bytes/],
    ["a port of 65536", { kind: "tcp4", host: new Uint8Array(4), port: 65536 }, /port: 65536/],
    ["an empty opaque address", { kind: "opaque", bytes: new Uint8Array() }, /opaque/],
    ["an opaque address of type 0", { kind: "opaque", bytes: new Uint8Array([0, 1]) }, /opaque/],
    ["an opaque address of type 5", { kind: "opaque", bytes: new Uint8Array([5, 1]) }, /opaque/],
  ];
  for (const [name, address, message] of unwritable) {
    test(`refuses to write ${name}`, () => throwsScb(() => write([address]), "encode", message));
  }

  test("refuses to write more than its length can say, where lnd wraps round", () => {
    const opaque: NetAddress = { kind: "opaque", bytes: new Uint8Array(0x1_0000).fill(6) };
    throwsScb(() => write([opaque]), "encode", /addresses length: 65536/);
  });
});

describe("IPv6 as RFC 5952 prints it", () => {
  const cases: readonly [hex: string, printed: string][] = [
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["00010000000000000000000000000000", "1::"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010db8000100010001000100010001", "2001:db8:1:1:1:1:1:1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["20010db8aaaabbbbccccddddeeee0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["00000000000000000000000001020304", "::102:304"],
    ["fe800000000000000000000000000000", "fe80::"],
  ];
  for (const [hex, printed] of cases) {
    test(printed, () => assert.equal(formatNetAddress(ipv6(hex)), `[${printed}]:9735`));
  }
});
