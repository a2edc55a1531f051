import { durationMs } from "../app/duration.ts";
import { ScbError } from "../runtime/error.ts";

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/i;

/** A moment in the past, relative to `now`. Milliseconds since 1970. Throws "usage" if it is later. */
export type Moment = (now: number) => number;

/**
 * Reads a time with its zone, or how long ago. Without a zone, it would mean a different moment on each
 * machine. Throws "usage".
 */
export function parseMoment(text: string): Moment {
  const agoMs = durationMs(text);
  if (agoMs !== null) return (now) => now - agoMs;
  const at = isoTime.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new ScbError(
      "usage",
      "must be a time with its zone, such as 2026-11-20T12:00Z or 2026-11-20T12:00+01:00, or how long ago, such as 90m, 12h or 3d",
    );
  }
  return (now) => {
    if (at > now) throw new ScbError("usage", `the time ${text} is in the future`);
    return at;
  };
}
