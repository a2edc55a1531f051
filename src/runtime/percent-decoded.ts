import { ScbError } from "./error.ts";

/** Decodes percent encoding. Throws "usage" if `text` isn't valid; `what` names it. */
export function percentDecoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new ScbError(
      "usage",
      `${what} has a % that is not followed by two hex digits of UTF-8: write it as %25`,
      { cause: error },
    );
  }
}
