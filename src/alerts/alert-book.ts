import type { Verdict } from "../checks/finding.ts";
import type { AlertMessage, ToldTrouble } from "./alert-message.ts";
import {
  isTold,
  isToldAtOnce,
  type LocatedFinding,
  type Situation,
  subjectOf,
} from "./situation.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const mostInAnHour = 6;
/** How long an immediate message waits for related findings, for example from the other stores. */
const gatherMs = 1_000;
/** A finding that comes this often within `notifyAfterMs` flaps. */
const flaps = 3;

/** One moment by both clocks: the monotonic one for durations, the wall clock for people. */
export interface Moment {
  readonly monotonicMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** One subject, from when it was first seen until it has been quiet for `notifyAfterMs`. */
interface Episode {
  /** The findings as last seen, worst first. */
  found: readonly LocatedFinding[];
  readonly firstSeenMs: number;
  times: number;
  /** When it last came or went. */
  changedMs: number;
  isThere: boolean;
  /** How long it was there in total, until `changedMs`. */
  thereMs: number;
  isAtOnce: boolean;
  toldMs: number | null;
}

/**
 * Decides what to report and when. A pure state machine: situations and moments go in, messages come out.
 *
 * - A finding that doesn't go away on its own is reported at once, even if it has gone meanwhile.
 * - A finding that may pass is reported after `notifyAfterMs`, whether it stays or comes and goes.
 * - A message includes everything that is wrong, so that related findings are one message.
 * - A finding that was reported and is still there is reported again each day, unless `--require`
 *   tolerates it.
 * - It is over once it has been quiet for `notifyAfterMs`; until then its coming and going isn't reported.
 *   The end of one waits up to an hour for the end of the others.
 * - No subject is in more than six messages an hour; the rest is reported later.
 */
export class AlertBook {
  readonly #notifyAfterMs: number;
  readonly #episodes = new Map<string, Episode>();
  /** When each subject was reported in the last hour. */
  readonly #tellings = new Map<string, readonly number[]>();
  #verdict: Verdict = "unknown";

  constructor(notifyAfterMs: number) {
    this.#notifyAfterMs = notifyAfterMs;
  }

  /** Takes in the present situation. */
  see({ verdict, findings }: Situation, { monotonicMs: nowMs }: Moment): void {
    this.#verdict = verdict;
    const bySubject = Map.groupBy(findings.filter(isTold), subjectOf);
    for (const [subject, found] of bySubject) this.#appear(subject, found, nowMs);
    for (const [subject, episode] of this.#episodes) {
      if (!episode.isThere || bySubject.has(subject)) continue;
      episode.thereMs += nowMs - episode.changedMs;
      Object.assign(episode, { isThere: false, changedMs: nowMs });
    }
  }

  /** The message that is due now; null if there is none. Whatever it returns counts as reported. */
  take({ monotonicMs: nowMs, wallMs }: Moment): AlertMessage | null {
    this.#forget(nowMs);
    const told: ToldTrouble[] = [];
    const open = [...this.#episodes].filter(([subject]) => this.#mayTell(subject, nowMs));
    const isNew = open.some(([, episode]) => this.#isDue(episode, nowMs));
    const isOver = open.some(([, episode]) => this.#isEndDue(episode, nowMs));
    const isReminder = open.some(
      ([, { isThere, toldMs, found }]) =>
        isThere && toldMs !== null && nowMs - toldMs >= dayMs && !isTolerated(found),
    );
    if (!isNew && !isOver && !isReminder) return null;
    for (const [subject, episode] of open) {
      const state = this.#stateIn(episode, nowMs, isNew);
      if (state === null) continue;
      const since = wallMs - (nowMs - episode.firstSeenMs);
      const { times } = episode;
      told.push(...episode.found.map((located) => ({ ...located, state, since, times })));
      this.#tellings.set(subject, [...(this.#tellings.get(subject) ?? []), nowMs]);
      episode.toldMs = nowMs;
      if (state === "over") this.#episodes.delete(subject);
    }
    told.sort((a, b) => weightOf(b) - weightOf(a));
    const kind = isNew ? "alert" : isOver ? "over" : "reminder";
    return { kind, verdict: this.#verdict, at: wallMs, troubles: told };
  }

  /** The last `take`: immediate findings no longer wait for related ones. */
  close({ monotonicMs, wallMs }: Moment): AlertMessage | null {
    const isWaiting = [...this.#episodes.values()].some(
      ({ isAtOnce, toldMs }) => isAtOnce && toldMs === null,
    );
    return isWaiting ? this.take({ monotonicMs: monotonicMs + gatherMs, wallMs }) : null;
  }

  #appear(subject: string, found: readonly LocatedFinding[], nowMs: number): void {
    const isAtOnce = found.some(isToldAtOnce);
    const episode = this.#episodes.get(subject);
    if (episode === undefined) {
      const seen = { firstSeenMs: nowMs, changedMs: nowMs, thereMs: 0, times: 1 };
      this.#episodes.set(subject, { ...seen, found, isThere: true, isAtOnce, toldMs: null });
      return;
    }
    episode.found = found;
    episode.isAtOnce ||= isAtOnce;
    if (episode.isThere) return;
    episode.times += 1;
    Object.assign(episode, { isThere: true, changedMs: nowMs });
  }

  /** Whether it is due and hasn't been reported. */
  #isDue(episode: Episode, nowMs: number): boolean {
    const { toldMs, isAtOnce, isThere, firstSeenMs, changedMs, thereMs, times } = episode;
    if (toldMs !== null) return false;
    const ageMs = nowMs - firstSeenMs;
    if (isAtOnce) return ageMs >= Math.min(gatherMs, this.#notifyAfterMs);
    if (!isThere || ageMs < this.#notifyAfterMs) return false;
    return times >= flaps || thereMs + nowMs - changedMs >= this.#notifyAfterMs;
  }

  #isOver({ toldMs, isThere, changedMs }: Episode, nowMs: number): boolean {
    return toldMs !== null && !isThere && nowMs - changedMs >= this.#notifyAfterMs;
  }

  /** An end waits for the others of the same node for an hour, so that a bad night has one end. */
  #isEndDue(episode: Episode, nowMs: number): boolean {
    if (!this.#isOver(episode, nowMs)) return false;
    if (nowMs - episode.changedMs >= hourMs) return true;
    const [first] = episode.found;
    return ![...this.#episodes.values()].some(
      (other) =>
        other.toldMs !== null &&
        !isTolerated(other.found) &&
        other.found[0]?.node === first?.node &&
        !this.#isOver(other, nowMs),
    );
  }

  /** What a message sent now would say about it; null for nothing. */
  #stateIn(episode: Episode, nowMs: number, isNew: boolean): ToldTrouble["state"] | null {
    if (this.#isOver(episode, nowMs)) return "over";
    if (episode.toldMs !== null) return episode.isThere ? "still" : null;
    // A new finding is included in a message that is due, but doesn't cause one.
    return this.#isDue(episode, nowMs) || (isNew && episode.isThere) ? "new" : null;
  }

  /** Drops what passed before it was due. */
  #forget(nowMs: number): void {
    for (const [subject, { toldMs, isAtOnce, isThere, changedMs }] of this.#episodes) {
      const isQuiet = !isThere && nowMs - changedMs >= this.#notifyAfterMs;
      if (isQuiet && toldMs === null && !isAtOnce) this.#episodes.delete(subject);
    }
    for (const [subject, times] of this.#tellings) {
      const recent = times.filter((atMs) => nowMs - atMs < hourMs);
      if (recent.length === 0) this.#tellings.delete(subject);
      else this.#tellings.set(subject, recent);
    }
  }

  #mayTell(subject: string, nowMs: number): boolean {
    const recent = this.#tellings.get(subject)?.filter((atMs) => nowMs - atMs < hourMs) ?? [];
    return recent.length < mostInAnHour;
  }
}

function isTolerated(found: readonly LocatedFinding[]): boolean {
  return found.every((it) => it.tolerated === true);
}

/** New and serious findings come first. */
function weightOf(trouble: ToldTrouble): number {
  const states = { new: 20, still: 10, over: 0 };
  const levels = { problem: 1, unknown: 0, warning: 0 };
  const { state, finding } = trouble;
  return states[state] + levels[finding.level] + (isToldAtOnce(trouble) ? 2 : 0);
}
