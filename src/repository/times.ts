/** Clocks that are kept right differ by less. */
const toleranceMs = 5 * 60_000;

/**
 * Whether a time that somebody wrote can't be: it is later than now, by more than clocks differ. Such
 * a time isn't young, it is wrong, and nothing may be concluded from it. Milliseconds since 1970.
 */
export function isInFuture(at: number, now: number): boolean {
  return at > now + toleranceMs;
}

/** Whether a moment is later than another, whichever clocks told them. Milliseconds since 1970. */
export function isPlainlyLater(at: number, than: number): boolean {
  return at > than + toleranceMs;
}
