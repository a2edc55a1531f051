/** `lncli create` prints the words between these lines, below other text. */
const lncliSeed = /BEGIN LND CIPHER SEED-*([\s\S]*?)-*END LND CIPHER SEED/i;
/** What separates and numbers words in lists, tables and quotes. */
const aroundWords = /[\s\d.,;:|'"`“”‘’()[\]{}#*_–-]+/;

/**
 * The text of a file in whatever encoding an editor or shell chose: UTF-8, or UTF-16 as PowerShell's `>`
 * writes it, with or without a byte order mark.
 */
export function decodedText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

function encodingOf(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  const [first, second] = bytes;
  // ASCII in UTF-16 has a zero in each pair of bytes.
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return "utf-16le";
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return "utf-16be";
  return "utf-8";
}

/**
 * The single token of a key, or the words of a seed in lower case, from the formats that people keep them
 * in: words with numbers, commas, quotes or in a table; the whole output of lncli; the JSON of lnd's
 * `GenSeed` (`cipher_seed_mnemonic`) and of `scb-mirror key`. Null for anything else.
 */
export function keyTokens(text: string): readonly string[] | null {
  const trimmed = text.trim();
  const single = /^["']?([A-Za-z\d]+)["']?$/.exec(trimmed)?.[1];
  if (single !== undefined) return [single];
  const listed = fromJson(trimmed);
  if (listed !== null) return listed;
  const words = (lncliSeed.exec(trimmed)?.[1] ?? trimmed)
    .split(aroundWords)
    .filter((word) => word !== "");
  if (words.length < 2 || !words.every((word) => /^[a-z]+$/i.test(word))) return null;
  return words.map((word) => word.toLowerCase());
}

function fromJson(text: string): readonly string[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  if ("backupKey" in value && typeof value.backupKey === "string") return [value.backupKey];
  const list = "cipher_seed_mnemonic" in value ? value.cipher_seed_mnemonic : value;
  if (!Array.isArray(list) || !list.every((word) => typeof word === "string")) return null;
  return list.map((word) => word.toLowerCase());
}
