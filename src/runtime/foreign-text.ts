import { mayBeSecret } from "./secret-text.ts";

const longestText = 300;

/**
 * What no output holds: controls of terminals (C1 too, which JSON leaves as they are), characters
 * that aren't seen or turn the direction of what follows, and separators of lines.
 */
export const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const unprintables = new RegExp(unprintable, "gu");

/**
 * Text of a service, a node or a peer, fit for a message: on one line, without control characters, not
 * without end. `secrets` are left out: some services send back what they were sent.
 */
export function foreignText(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "…");
  return shown
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, longestText);
}

/** As `foreignText`, for one who was sent secrets that can't be named here. */
export function secretlessText(text: string): string {
  return mayBeSecret(text)
    ? "what it says may hold a secret, and isn't repeated"
    : foreignText(text);
}

/** JSON on one line, in which what no output holds is escaped. */
export function escapedJson(json: string): string {
  return json.replaceAll(unprintables, (char) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** A line of ours that may hold foreign text: what no output holds shows as its code. */
export function printable(line: string): string {
  return line.replaceAll(unprintables, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
