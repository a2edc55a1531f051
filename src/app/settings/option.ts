import { ScbError } from "../../runtime/error.ts";
import { mayBeSecret } from "../../runtime/secret-text.ts";

/** The name and explanation of an option. */
export interface OptionWords {
  /** Stands for the value in help, without brackets. Null for a switch, which takes no value. */
  readonly placeholder: string | null;
  /** What it does: a fragment that begins in lower case and ends without a full stop. */
  readonly help: string;
  /** The default value as text. Help shows it. */
  readonly default?: string;
  /** The default in words, if it depends on something. Help shows it. */
  readonly defaultNote?: string;
  /** The letter of its short flag. */
  readonly short?: string;
  /** All permitted values, if they can be listed. */
  readonly values?: readonly string[];
  /** The value is secret by nature; `read` and all its users know that. */
  readonly isSecret?: true;
  /** Takes several values: a repeated flag, a YAML list, or text separated by white space. */
  readonly repeats?: true;
  /** A positional argument after the command's name, without a flag. */
  readonly argument?: "required" | "optional";
}

/**
 * One thing that a person can set: a setting, an option of one command, or an argument. Its entry holds
 * everything known about it, and flags, help and values are made from that.
 */
export interface Option<T = unknown> extends OptionWords {
  /** Throws "usage" with what the text must be, to end a sentence. Never repeats the text. */
  readonly read: (text: string) => T;
}

/** Keyed by the flag's name, without dashes. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends
  | { readonly default: string }
  | { readonly argument: "required" }
  ? ReturnType<O["read"]>
  : ReturnType<O["read"]> | undefined;

/** The values of the options once read: undefined for a missing option without a default. */
export type ValuesOf<O extends Options> = {
  readonly [N in keyof O as undefined extends ValueOf<O[N]> ? never : N]: ValueOf<O[N]>;
} & {
  readonly [N in keyof O as undefined extends ValueOf<O[N]> ? N : never]?: ValueOf<O[N]>;
};

/** A value given by the user. */
export interface Given {
  /** For an option that repeats, all its values, separated by white space. */
  readonly text: string;
  /** Where it was given, as messages call it: `--to`, `SCB_MIRROR_TO`, `to in /etc/scb-mirror.yaml`. */
  readonly origin: string;
}

/** Reads the given values and fills in defaults. Throws "usage", naming the value's origin. */
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
  // Each value came from its own entry's `read`.
  return values as ValuesOf<O>;
}

/** Reads one given value. Throws "usage", naming its origin but never repeating the value. */
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
 * Throws "usage" if a value looks like a secret but was given where none belongs. It would end up in
 * messages, logs or the store, so it is stopped before anything repeats it.
 */
export function checkNoSecret({ text, origin }: Given): void {
  if (!mayBeSecret(text)) return;
  throw new ScbError(
    "usage",
    `${origin}: this looks like a secret (seed words, a key or a macaroon) and doesn't belong here. Put it in a file that only you can read, and name that file with --key-file or --macaroonpath`,
  );
}
