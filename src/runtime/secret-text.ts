/** A seed has 12 to 24 words. lncli numbers its own, and programs quote them. */
const manyWords = /(?:\b[a-z]{3,8}\b[\s,;.\d"'[\]]+){11}[a-z]{3,8}\b/i;
/** `lndconnect://…`, or the start of an lnd macaroon in base64 or hex. */
const lndSecret = /lndconnect:|AgEDbG5k|0201036c6e64/i;
/** An extended private key of any network (SLIP-132). */
const extendedKey = /[a-z]prv[1-9A-HJ-NP-Za-km-z]{50}/;
/** A private key, a backup key or a macaroon. Inside a path, such hex is a folder's name. */
const longHex = /^[-/]*(?:0x)?[0-9a-f]{64,}$/i;
const publicKey = /^0[23][0-9a-f]{64}$/i;

/**
 * Whether text given by a person may hold seed words, a key or a macaroon. Such text is never repeated in
 * any message, log or output. Only this function decides which texts those are.
 */
export function mayBeSecret(text: string): boolean {
  if (manyWords.test(text) || lndSecret.test(text) || extendedKey.test(text)) return true;
  return text.split(/[\s=:,;?&"']+/).some((token) => longHex.test(token) && !publicKey.test(token));
}
