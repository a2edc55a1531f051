import { ulid } from "ulid";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";

/**
 * The form of an operation id, for a regular expression. Its time has 48 bits, so the first character is
 * at most 7.
 */
export const operationIdPattern = "[0-7][0-9A-HJKMNP-TV-Z]{25}";

/**
 * A fresh operation id: a ULID, so that ids sort by when operations began. `earliestMs` is the least time
 * in the id, for callers that need increasing ids even if the clock is set back.
 */
export function newOperationId(clock: Clock, random: Random, earliestMs = 0): string {
  // ulid asks for one number in [0, 1) a character; 80 bits from the strong source serve all 16.
  const bytes = random.bytes(16);
  let next = 0;
  return ulid(Math.max(clock.now(), earliestMs), () => {
    const byte = bytes[next++ % bytes.length] ?? 0;
    return (byte % 32) / 32;
  });
}
