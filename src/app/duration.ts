const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** Timers wrap around above this. */
export const longestTimerMs = 2 ** 31 - 1;

/** Reads "500ms", "10s", "5m", "12h", "90d" or "2y"; null for anything else. */
export function durationMs(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)$/.exec(text.trim());
  const unitMs = unitsMs[match?.[2] ?? ""];
  if (match === null || unitMs === undefined) return null;
  const ms = Number(match[1]) * unitMs;
  return ms > 0 && Number.isFinite(ms) ? ms : null;
}
