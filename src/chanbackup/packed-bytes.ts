import { knownFormat } from "./known-formats.ts";

/** Nonce (24) and tag (16) that encryption adds (lnd `lnencrypt.Encrypter`). */
export const packedOverheadSizeBytes = 24 + 16;

/** Below this size chance could make text of random bytes. No backup but the empty one is smaller. */
const leastTextSizeBytes = 256;
const sampleSizeBytes = 4096;
/** A run of equal bytes that is twice as long holds a block of this size, at a multiple of it. */
const blockSizeBytes = 16;

/**
 * Says when bytes that ought to be encrypted are plainly something else: text in whatever coding,
 * another format, or a stretch of one byte. One sentence that says what to do, or null.
 *
 * Encrypted bytes are as good as random, so an honest backup could be refused by chance: by a
 * signature once in 10^8 backups, and by the other rules, of a backup with a channel, once in 10^10
 * or far less. Then the mirror says so, and the next one, with another nonce, is saved.
 */
export function packedBytesFlaw(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) {
    return "it holds nothing but zero bytes, as after a crash of the machine that wrote it: take an older one";
  }
  const format = knownFormat(bytes);
  if (format !== null) {
    return `it is in the format ${format}, which no channel backup is: give the file that lnd writes, as it is`;
  }
  const text = asText(bytes)?.trim();
  if (text === undefined) return hasLongRun(bytes) ? longRun : null;
  if (/^[0-9a-f\s]+$/i.test(text)) {
    return "it is hex text where raw bytes are due: decode it first (`xxd -r -p`)";
  }
  if (/^[A-Za-z0-9+/_\-\s]+=*$/.test(text)) {
    return "it is base64 text where raw bytes are due: decode it first (`base64 -d`)";
  }
  if (/^[{["]/.test(text)) {
    return "it is JSON where raw bytes are due: take the backup's own bytes out of it, and decode them from base64 or hex";
  }
  return "it is text where raw bytes are due: look at what it says, it may be an error page";
}

const longRun =
  "it holds a stretch of one and the same byte, as after a crash of the machine that wrote it, or of an interrupted copy: take an older one";

function hasLongRun(bytes: Uint8Array): boolean {
  for (let at = 0; at + blockSizeBytes <= bytes.length; at += blockSizeBytes) {
    const byte = bytes[at];
    let same = 1;
    while (same < blockSizeBytes && bytes[at + same] === byte) same += 1;
    if (same === blockSizeBytes) return true;
  }
  return false;
}

/** Null unless it is text without control characters: UTF-8, UTF-16, or one byte a character. */
function asText(bytes: Uint8Array): string | null {
  const marked = markedEncoding(bytes);
  if (marked !== null) return decoded(bytes, marked);
  // Nearly all backups end here, and each snapshot comes by.
  if (bytes.subarray(0, leastTextSizeBytes).some(isControl)) return null;
  const utf8 = decoded(bytes, "utf-8");
  if (utf8 !== null || bytes.length < leastTextSizeBytes) return utf8;
  return (
    mostlyAscii(decoded(bytes, "utf-16le")) ??
    mostlyAscii(decoded(bytes, "utf-16be")) ??
    decoded(bytes, "latin1")
  );
}

/** UTF-16, if it begins with a byte order mark and chance could not make text of it. */
function markedEncoding(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  if (bytes.length < leastTextSizeBytes) return null;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : null;
}

/** But zero, tab and the ends of lines. */
function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0 && byte !== 9 && byte !== 10 && byte !== 13;
}

function mostlyAscii(text: string | null): string | null {
  const count = text?.match(/[\t\n\r -~]/g)?.length ?? 0;
  return text !== null && count * 2 >= text.length ? text : null;
}

/** Null for what isn't in this encoding, and for control, private and unassigned characters. */
function decoded(bytes: Uint8Array, encoding: string): string | null {
  // What is no text shows it soon, and a large backup takes a while to decode.
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
