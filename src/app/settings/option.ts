import { ScbError } from "../../runtime/error.ts";
import { mayBeSecret } from "../../runtime/secret-text.ts";

/** How an option is called and explained. */
export interface OptionWords {
  /** What stands for the value in help, without brackets. Null for a switch, which takes none. */
  readonly placeholder: string | null;
  /** What it does: a fragment that begins in lower case and ends without a full stop. */
  readonly help: string;
  /** The text of the value if none is given. Help shows it. */
  readonly default?: string;
  /** The default in words, if it depends on something. Help shows it. */
  readonly defaultNote?: string;
  /** The letter of its short flag. */
  readonly short?: string;
  /** All values that it takes, if they can be listed. */
  readonly values?: readonly string[];
  /** Its value is a secret by its nature, and `read` and all who use it know. */
  readonly isSecret?: true;
  /** It takes several values: the flag given again, a list in YAML, white space elsewhere. */
  readonly repeats?: true;
  /** It has no flag, but a place after the command's name. */
  readonly argument?: "required" | "optional";
}

/**
 * One thing that a person can set: a setting, an option of one command, or an argument. Everything
 * that is known of it stands in one entry, from which flags, help and values are made.
 */
export interface Option<T = unknown> extends OptionWords {
  /** Throws "usage" with what the text must be, for the end of a sentence. Never repeats the text. */
  readonly read: (text: string) => T;
}

/** By the name of the flag, without dashes. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends
  | { readonly default: string }
  | { readonly argument: "required" }
  ? ReturnType<O["read"]>
  : ReturnType<O["read"]> | undefined;

/** What the options hold once they are read: a value, or undefined if there is no default. */
export type ValuesOf<O extends Options> = {
  readonly [N in keyof O as undefined extends ValueOf<O[N]> ? never : N]: ValueOf<O[N]>;
} & {
  readonly [N in keyof O as undefined extends ValueOf<O[N]> ? N : never]?: ValueOf<O[N]>;
};

/** A value that somebody gave. */
export interface Given {
  /** Of an option that repeats: all its values, with white space between them. */
  readonly text: string;
  /** Where, as a message calls it: `--to`, `SCB_MIRROR_TO`, `to in /etc/scb-mirror.yaml`. */
  readonly origin: string;
}

/** Reads what was given, and fills in the defaults. Throws "usage", which names where the value stood. */
export function readOptions<O extends Options>(
  options: O,
  given: ReadonlyMap<string, Given>,
): ValuesOf<O> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const found = given.get(name);
    if (found !== undefined) values[name] = readGiven(option, found);
    else if (option.default !== undefined) values[name] = option.read(option.default);
  }
  // Each entry's `read` made the value of its name.
  return values as ValuesOf<O>;
}

/** Reads one value that was given. Throws "usage", which names where it stood and never repeats it. */
export function readGiven<T>(option: Option<T>, given: Given): T {
  const { text, origin } = given;
  const values = option.repeats === true ? text.split(/\s+/) : [text];
  if (option.isSecret !== true) for (const value of values) checkNoSecret({ text: value, origin });
  try {
    if (text === "") throw new ScbError("usage", "must not be empty");
    return option.read(text);
  } catch (error) {
    const known = ScbError.from(error);
    throw new ScbError(known.code, `${origin}: ${known.message}`, { cause: known });
  }
}

/**
 * Throws "usage" for a value that may be a secret in a place that takes none. There it would end up in
 * messages, logs or the store; it stops here, where nobody has repeated it yet.
 */
export function checkNoSecret({ text, origin }: Given): void {
  if (!mayBeSecret(text)) return;
  throw new ScbError(
    "usage",
    `${origin}: this looks like a secret (words, a key or a macaroon), and does not belong here. Put it into a file that only you can read, and name that file with --key-file or --macaroonpath`,
  );
}
