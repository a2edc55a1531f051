/** The first bytes of a file; null stands for any byte. */
type Signature = readonly (number | null)[];

const anyByte = null;
const ascii = (text: string): number[] => [...Buffer.from(text, "latin1")];
const from = (offset: number, ...bytes: Signature): Signature => [
  ...new Array<null>(offset).fill(anyByte),
  ...bytes,
];

/**
 * Formats that a wrong path, a script or a store's settings put in a backup's place, by their bytes at
 * fixed positions. Source: their specifications, and file(1)'s database.
 */
const formats: readonly (readonly [name: string, Signature])[] = [
  // Deflate without flags, as gzip, zlib and web servers write it.
  ["gzip", [0x1f, 0x8b, 8, 0]],
  // With a file name.
  ["gzip", [0x1f, 0x8b, 8, 8]],
  ["zip", [...ascii("PK"), 3, 4]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, ...ascii("7zXZ"), 0]],
  ["bzip2", [...ascii("BZh"), anyByte, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
  ["LZ4", [4, 0x22, 0x4d, 0x18]],
  ["7z", [...ascii("7z"), 0xbc, 0xaf, 0x27, 0x1c]],
  ["RAR", [...ascii("Rar!"), 0x1a, 7]],
  ["tar", from(257, ...ascii("ustar"))],
  ["PDF", ascii("%PDF-")],
  ["PNG", [0x89, ...ascii("PNG"), 13, 10, 0x1a, 10]],
  ["JPEG", [0xff, 0xd8, 0xff, anyByte, anyByte, anyByte, ...ascii("JFIF")]],
  ["JPEG", [0xff, 0xd8, 0xff, anyByte, anyByte, anyByte, ...ascii("Exif")]],
  ["GIF", ascii("GIF89a")],
  ["ELF (a program)", [0x7f, ...ascii("ELF")]],
  ["SQLite", ascii("SQLite format 3\0")],
  // lnd's own channel.db and wallet.db: a page with id 0, with bbolt's magic number in its first word.
  ["bbolt (lnd's channel.db or wallet.db)", [0, 0, 0, 0, ...from(12, 0xed, 0xda, 0x0c, 0xed)]],
  // Version 2 of the binary format, with lnd's location.
  ["macaroon", [2, 1, 3, ...ascii("lnd")]],
  ["OpenSSL (encrypted with a password)", ascii("Salted__")],
  ["age (encrypted)", ascii("age-encryption.org/")],
  // A session key from a password: packet, length, version, cipher, iterated and salted.
  ["GnuPG (encrypted with a password)", [0x8c, 0x0d, 4, anyByte, 3]],
];

/**
 * The format of a file that isn't a packed backup, or null. Each signature has at least 32 bits, so a
 * real backup, whose first bytes are a random nonce, matches one less than once in 10^8.
 */
export function knownFormat(bytes: Uint8Array): string | null {
  for (const [name, signature] of formats) {
    if (signature.every((byte, at) => byte === anyByte || byte === bytes[at])) return name;
  }
  return null;
}
