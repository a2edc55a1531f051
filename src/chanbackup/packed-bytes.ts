/** Nonce (24) and tag (16) that encryption adds (lnd `lnencrypt.Encrypter`). */
export const packedOverheadSizeBytes = 24 + 16;

/**
 * Says when bytes that ought to be encrypted are plainly something else: text in a known coding,
 * any other text, or nothing but zeros. One sentence that says what to do, or null. That real
 * ciphertext reads as text does not happen: it would need dozens of bytes to be printable by chance.
 */
export function packedTextFlaw(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) {
    return "it holds nothing but zero bytes, as after a crash of the machine that wrote it: take an older one";
  }
  const text = asText(bytes)?.trim();
  if (text === undefined) return null;
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

/** Null unless it is UTF-8 without control characters. */
function asText(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[^\P{Cc}\t\n\r]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}
