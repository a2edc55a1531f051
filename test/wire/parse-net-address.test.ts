import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { parseNetAddress } from "../../src/wire/parse-net-address.ts";
import { arbitraryAddresses } from "./arbitraries.ts";
import { throwsScb } from "./throws.ts";

describe("parseNetAddress", () => {
  test("reads what formatNetAddress writes, but for names that are none and opaque addresses", () => {
    fc.assert(
      fc.property(arbitraryAddresses, (addresses) => {
        for (const address of addresses) {
          if (address.kind === "opaque" || address.kind === "dns") continue;
          assert.deepEqual(parseNetAddress(formatNetAddress(address)), address);
        }
      }),
    );
  });

  test("reads names, and takes 9735 where there is no port", () => {
    const host = new TextEncoder().encode("node.example");
    assert.deepEqual(parseNetAddress("node.example:80"), { kind: "dns", host, port: 80 });
    assert.deepEqual(parseNetAddress("node.example"), { kind: "dns", host, port: 9735 });
    assert.equal(formatNetAddress(parseNetAddress("[2001:DB8:0::1]")), "[2001:db8::1]:9735");
  });

  const wrong = [
    ...["", ":9735", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x", "a b:1", "::1", "[::1", "::1]:1"],
    ...["[1.2.3.4]:1", "[fe80::1%eth0]:1", "short.onion:1", "0000000000000000.onion:1"],
    ...["host:1:2", `${"a".repeat(256)}:1`, "opaque:0102"],
  ];
  for (const text of wrong) {
    test(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
      throwsScb(() => parseNetAddress(text), "decode", /is not an address/);
    });
  }
});
