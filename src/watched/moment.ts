/** A moment by both clocks: the wall clock's is for people, the other one never jumps back. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** As `Clock.monotonicMs`. */
  readonly monotonicMs: number;
}

/**
 * How long ago it was, in milliseconds; the longer time if the clocks differ. A wall clock that was set back
 * or a machine that slept must not make evidence look fresher than it is.
 */
export function ageMs(moment: Moment, now: Moment): number {
  const { wallMs, monotonicMs } = moment;
  return Math.max(0, now.wallMs - wallMs, now.monotonicMs - monotonicMs);
}

/** When it was, by the wall clock as it is now. Milliseconds since 1970. */
export function wallTimeOf(moment: Moment, now: Moment): number {
  return now.wallMs - ageMs(moment, now);
}
