/** Synchronised clocks differ by less than this. */
const toleranceMs = 5 * 60_000;

/**
 * Whether a recorded time can't be right, because it is later than now by more than clocks differ. Such a
 * time isn't recent but wrong, and nothing may be concluded from it. Milliseconds since 1970.
 */
export function isInFuture(at: number, now: number): boolean {
  return at > now + toleranceMs;
}

/** Whether a moment is later than another, whichever clocks they come from. Milliseconds since 1970. */
export function isPlainlyLater(at: number, than: number): boolean {
  return at > than + toleranceMs;
}
