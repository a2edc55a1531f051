import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { packedBytesFlaw } from "../../src/chanbackup/packed-bytes.ts";
import { packedBytes } from "../support/mirror-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "scb-packed-"));
after(() => rm(folder, { recursive: true }));

function sqliteFile(): Uint8Array {
  const path = join(folder, "a.db");
  const database = new DatabaseSync(path);
  database.exec("create table channels (point text)");
  database.close();
  return readFileSync(path);
}

/** As long as a backup, so that its size alone says nothing. */
function beginningWith(...start: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from(start), randomBytes(2_000)]);
}

const page = "<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>\n".repeat(20);
const german = "Zugriff verweigert: für diesen Ordner fehlt Ihnen die Berechtigung.\r\n".repeat(10);
const japanese = "このフォルダへのアクセスは許可されていません。".repeat(30);

const refused: readonly (readonly [name: string, bytes: Uint8Array, says: RegExp])[] = [
  ["zeros", new Uint8Array(500), /only zero bytes/],
  ["a page", Buffer.from(page), /it is text .* error page/],
  ["text in UTF-8", Buffer.from(german), /it is text/],
  ["text in Latin-1", Buffer.from(german, "latin1"), /it is text/],
  ["text in UTF-16", Buffer.from(german, "utf16le"), /it is text/],
  ["text in UTF-16 with its mark", Buffer.from(`\ufeff${german}`, "utf16le"), /it is text/],
  ["text in UTF-16, the other order", Buffer.from(german, "utf16le").swap16(), /it is text/],
  ["Japanese in UTF-16", Buffer.from(`\ufeff${japanese}`, "utf16le"), /it is text/],
  ["hex in UTF-16", Buffer.from(randomBytes(400).toString("hex"), "utf16le"), /it is hex text/],
  ["base64 in UTF-16", Buffer.from(randomBytes(400).toString("base64"), "utf16le"), /base64 text/],
  ["gzip", gzipSync(randomBytes(2_000)), /format is gzip/],
  ["zstd", zstdCompressSync(randomBytes(2_000)), /format is zstd/],
  ["zip", beginningWith(0x50, 0x4b, 3, 4), /format is zip/],
  ["xz", beginningWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), /format is xz/],
  ["PDF", beginningWith(...Buffer.from("%PDF-1.7\n")), /format is PDF/],
  ["PNG", beginningWith(0x89, 0x50, 0x4e, 0x47, 13, 10, 0x1a, 10), /format is PNG/],
  ["a program", readFileSync(process.execPath).subarray(0, 10_000), /format is ELF/],
  ["SQLite", sqliteFile(), /format is SQLite/],
  [
    "lnd's channel.db",
    Buffer.concat([
      // A page's id, flags, count and overflow, then the magic number and the version.
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([0xed, 0xda, 0x0c, 0xed, 2, 0, 0, 0]),
      randomBytes(2_000),
    ]),
    /lnd's channel\.db/,
  ],
  ["a macaroon", beginningWith(2, 1, 3, ...Buffer.from("lnd")), /format is macaroon/],
  [
    "tar",
    Buffer.concat([randomBytes(257), Buffer.from("ustar"), randomBytes(900)]),
    /format is tar/,
  ],
  ["a backup with a hole", holed(packedBytes(), 100, 64), /a long run of one byte/],
  ["a backup that ends in zeros", holed(packedBytes(), 400, 4_096), /a long run of one byte/],
];

function holed(bytes: Uint8Array, at: number, size: number): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(size, 0xff), bytes.subarray(at)]);
}

describe("packedBytesFlaw", () => {
  for (const [name, bytes, says] of refused) {
    it(`refuses ${name}`, () => {
      assert.match(packedBytesFlaw(bytes) ?? "taken", says);
      assert.doesNotMatch(packedBytesFlaw(bytes) ?? "", /\n/);
    });
  }
  it("takes what is as good as random, of every size", () => {
    for (let size = 45; size < 3_000; size += 1) {
      for (const bytes of [randomBytes(size), deflateSync(randomBytes(size)).subarray(2)]) {
        assert.equal(packedBytesFlaw(bytes), null, bytes.toString("hex"));
      }
    }
    assert.equal(packedBytesFlaw(brotliCompressSync(randomBytes(5_000))), null);
  });
});
