import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { lndAddresses, lndChannel, lndSingles } from "./lnd-channel.ts";

/** lnd prints opaque addresses as bare hex. */
function asGoPrints(text: string): string {
  return text.replace(/^opaque:/, "");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("what lnd made", () => {
  for (const entry of lndSingles) {
    const addrs = lndAddresses.slice(0, entry.addrs.length);

    test(`${entry.name}: newSingle gives the same bytes from the same channel`, () => {
      const single = newSingle({ ...lndChannel(entry), addrs });
      assert.equal(hex(serializeSingle(single)), entry.hex);
    });

    test(`${entry.name}: reads as that channel, and is written back as it was`, () => {
      const single = deserializeSingle(Buffer.from(entry.hex, "hex"));
      assert.deepEqual(single, newSingle({ ...lndChannel(entry), addrs }));
      assert.deepEqual(
        single.addresses.map((address) => asGoPrints(formatNetAddress(address))),
        entry.addrs,
      );
      assert.equal(hex(serializeSingle(single)), entry.hex);
    });
  }
});
