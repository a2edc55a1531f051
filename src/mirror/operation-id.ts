import { ulid } from "ulid";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";

/** A fresh operation id: a ULID, so that ids sort by the time at which operations began. */
export function newOperationId(clock: Clock, random: Random): string {
  // ulid asks for one number in [0, 1) a character; 80 bits from the strong source serve all 16.
  const bytes = random.bytes(16);
  let next = 0;
  return ulid(clock.now(), () => {
    const byte = bytes[next++ % bytes.length] ?? 0;
    return (byte % 32) / 32;
  });
}
