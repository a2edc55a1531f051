import { spanMs } from "../app/duration.ts";
import { ScbError } from "../runtime/error.ts";
import { type ActionContext, textFlag } from "./action.ts";

/** A flag's value as a whole number, 0 or more; null where it is not given. Throws "usage". */
export function countFlag(context: ActionContext, name: string): number | null {
  const text = textFlag(context, camelCase(name));
  if (text === undefined) return null;
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new ScbError("usage", `--${name}: must be a whole number, 0 or more`);
}

/** A flag's value as a stretch of time, in milliseconds; null where it is not given. Throws "usage". */
export function spanFlag(context: ActionContext, name: string): number | null {
  const text = textFlag(context, camelCase(name));
  if (text === undefined) return null;
  const ms = spanMs(text);
  if (ms !== null) return ms;
  throw new ScbError("usage", `--${name}: must be a time such as 12h, 30d, 8w or 2y`);
}

/** commander keeps flags in camel case. */
function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
