import { knownFormat } from "./known-formats.ts";

/** The nonce (24) and tag (16) that encryption adds (lnd `lnencrypt.Encrypter`). */
export const packedOverheadSizeBytes = 24 + 16;

/** Below this size, random bytes could be text by chance. Only the empty backup is smaller. */
const leastTextSizeBytes = 256;
const sampleSizeBytes = 4096;
/** A run of equal bytes at least twice this long contains an aligned block of this size. */
const blockSizeBytes = 16;

/**
 * Says if bytes that should be encrypted are obviously something else: text in any encoding, another
 * format, or a run of one byte. Returns one sentence with the remedy, or null.
 *
 * Encrypted bytes look random, so a real backup could be refused by chance: by a signature once in 10^8
 * backups, and by the other rules, for a backup with a channel, once in 10^10 or far less. Then the
 * mirror says so, and the next backup, with another nonce, is saved.
 */
export function packedBytesFlaw(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) {
    return "it holds only zero bytes, as after a crash of the machine that wrote it: use an older one";
  }
  const format = knownFormat(bytes);
  if (format !== null) {
    return `its format is ${format}: give the unchanged file that lnd writes`;
  }
  const text = asText(bytes)?.trim();
  if (text === undefined) return hasLongRun(bytes) ? longRun : null;
  if (/^[0-9a-f\s]+$/i.test(text)) {
    return "it is hex text instead of raw bytes: decode it first (`xxd -r -p`)";
  }
  if (/^[A-Za-z0-9+/_\-\s]+=*$/.test(text)) {
    return "it is base64 text instead of raw bytes: decode it first (`base64 -d`)";
  }
  if (/^[{["]/.test(text)) {
    return "it is JSON instead of raw bytes: extract the backup from it, and decode that from base64 or hex";
  }
  return "it is text instead of raw bytes: read it, because it may be an error page";
}

const longRun =
  "it contains a long run of one byte, as after a crash of the machine that wrote it, or after an interrupted copy: use an older one";

function hasLongRun(bytes: Uint8Array): boolean {
  for (let at = 0; at + blockSizeBytes <= bytes.length; at += blockSizeBytes) {
    const byte = bytes[at];
    let same = 1;
    while (same < blockSizeBytes && bytes[at + same] === byte) same += 1;
    if (same === blockSizeBytes) return true;
  }
  return false;
}

/** Null unless the bytes are text without control characters: UTF-8, UTF-16, or one byte a character. */
function asText(bytes: Uint8Array): string | null {
  const marked = markedEncoding(bytes);
  if (marked !== null) return decoded(bytes, marked);
  // Nearly all backups end here, and every snapshot is checked.
  if (bytes.subarray(0, leastTextSizeBytes).some(isControl)) return null;
  const utf8 = decoded(bytes, "utf-8");
  if (utf8 !== null || bytes.length < leastTextSizeBytes) return utf8;
  return (
    mostlyAscii(decoded(bytes, "utf-16le")) ??
    mostlyAscii(decoded(bytes, "utf-16be")) ??
    decoded(bytes, "latin1")
  );
}

/** UTF-16, if it starts with a byte order mark and can't be text by chance. */
function markedEncoding(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  if (bytes.length < leastTextSizeBytes) return null;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : null;
}

/** Control characters other than zero, tab and line ends. */
function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0 && byte !== 9 && byte !== 10 && byte !== 13;
}

function mostlyAscii(text: string | null): string | null {
  const count = text?.match(/[\t\n\r -~]/g)?.length ?? 0;
  return text !== null && count * 2 >= text.length ? text : null;
}

/** Null if the bytes aren't in this encoding, or contain control, private or unassigned characters. */
function decoded(bytes: Uint8Array, encoding: string): string | null {
  // Bytes that aren't text show it early, and decoding a large backup takes a while.
  if (bytes.length > sampleSizeBytes) {
    const sample = textOf(bytes.subarray(0, sampleSizeBytes), encoding, { stream: true });
    if (sample === null) return null;
  }
  return textOf(bytes, encoding);
}

function textOf(
  bytes: Uint8Array,
  encoding: string,
  options: { readonly stream?: boolean } = {},
): string | null {
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes, options);
  } catch {
    return null;
  }
  return /[^\P{C}\t\n\r\p{Cf}]/u.test(text) ? null : text;
}
