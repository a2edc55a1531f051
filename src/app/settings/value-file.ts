import { ScbError } from "../../runtime/error.ts";
import { readSmallFile } from "../../runtime/small-file.ts";
import { checkNoSecret, type Given } from "./option.ts";

/** Reads a whole small text file. Throws "io" with only the reason. */
export type ReadText = (path: string) => string;

/**
 * Reads a value from the file that was given, and trims white space at its ends. Throws "usage" if the
 * file can't be read, or if the path looks like the secret itself.
 */
export function valueOfFile(given: Given, readText: ReadText = readSmallFile): Given {
  checkNoSecret(given);
  const { text: path, origin } = given;
  try {
    return { text: readText(path).trim(), origin: `${origin} (${path})` };
  } catch (error) {
    const { message } = ScbError.from(error);
    throw new ScbError("usage", `${origin}: cannot read ${path}: ${message}`, { cause: error });
  }
}
