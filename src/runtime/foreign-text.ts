import { mayBeSecret } from "./secret-text.ts";

const longestText = 300;

/**
 * Characters that no output holds: terminal controls (including C1, which JSON keeps), invisible
 * characters, those that change the text's direction, and line separators.
 */
export const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const unprintables = new RegExp(unprintable, "gu");

/**
 * Makes text of a service, node or peer fit for a message: one line, no control characters, bounded.
 * Removes `secrets`, because some services echo what they were sent.
 */
export function foreignText(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "…");
  return shown
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, longestText);
}

/** As `foreignText`, if secrets were sent that can't be listed here. */
export function secretlessText(text: string): string {
  return mayBeSecret(text) ? "its answer may hold a secret, so it isn't shown" : foreignText(text);
}

/** One line of JSON with unprintable characters escaped. */
export function escapedJson(json: string): string {
  return json.replaceAll(unprintables, (char) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** A line of ours that may hold foreign text, with unprintable characters shown as codes. */
export function printable(line: string): string {
  return line.replaceAll(unprintables, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
