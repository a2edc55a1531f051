import type { Verdict } from "../checks/finding.ts";
import type { AlertMessage, ToldTrouble } from "./alert-message.ts";
import { isToldAtOnce, type LocatedFinding, type Situation, subjectOf } from "./situation.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const mostInAnHour = 6;
/** What is told at once waits so long for what comes with it, from the other stores say. */
const gatherMs = 1_000;
/** What came so often within `notifyAfterMs` doesn't pass: it flaps. */
const flaps = 3;

/** By both clocks of one moment: durations are by the one that never jumps, times for people by the other. */
export interface Moment {
  readonly monotonicMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** One subject, from when it was first seen until it has been quiet for `notifyAfterMs`. */
interface Episode {
  /** As they were seen last, the worst first. */
  found: readonly LocatedFinding[];
  readonly firstSeenMs: number;
  times: number;
  /** Since when it is there, or isn't. */
  changedMs: number;
  isThere: boolean;
  /** For how long it was there, all in all, until `changedMs`. */
  thereMs: number;
  isAtOnce: boolean;
  toldMs: number | null;
}

/**
 * Decides what is told when. A pure state machine: situations and moments go in, messages come out.
 *
 * - What no time heals is told at once, whatever became of it meanwhile.
 * - What may pass is told once it was there for `notifyAfterMs`, or comes and goes for that long.
 * - A message takes in all that is there, so that what belongs together is one message.
 * - What was told and is still there is told again each day.
 * - It is over when it has been quiet for `notifyAfterMs`; until then its coming and going is no news.
 * - No subject is in more than six messages an hour: what is held back by that is told later.
 */
export class AlertBook {
  readonly #notifyAfterMs: number;
  readonly #episodes = new Map<string, Episode>();
  /** When each subject was told within the last hour. */
  readonly #tellings = new Map<string, readonly number[]>();
  #verdict: Verdict = "unknown";

  constructor(notifyAfterMs: number) {
    this.#notifyAfterMs = notifyAfterMs;
  }

  /** Takes in what is so now. */
  see({ verdict, findings }: Situation, { monotonicMs: nowMs }: Moment): void {
    this.#verdict = verdict;
    const bySubject = Map.groupBy(
      findings.filter(({ finding }) => finding.level !== "warning"),
      subjectOf,
    );
    for (const [subject, found] of bySubject) this.#appear(subject, found, nowMs);
    for (const [subject, episode] of this.#episodes) {
      if (!episode.isThere || bySubject.has(subject)) continue;
      episode.thereMs += nowMs - episode.changedMs;
      Object.assign(episode, { isThere: false, changedMs: nowMs });
    }
  }

  /** What is to be told now; null for nothing. What it returns counts as told. */
  take({ monotonicMs: nowMs, wallMs }: Moment): AlertMessage | null {
    this.#forget(nowMs);
    const told: ToldTrouble[] = [];
    const open = [...this.#episodes].filter(([subject]) => this.#mayTell(subject, nowMs));
    const isNew = open.some(([, episode]) => this.#isDue(episode, nowMs));
    // What is about to be over as well is waited for, so that the end of a night is one message.
    const isOver =
      open.some(([, episode]) => this.#isOver(episode, nowMs)) &&
      !open.some(([, episode]) => this.#isCooling(episode, nowMs));
    const isReminder = open.some(
      ([, { isThere, toldMs }]) => isThere && toldMs !== null && nowMs - toldMs >= dayMs,
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
    const order = { new: 0, still: 1, over: 2 };
    told.sort((a, b) => order[a.state] - order[b.state]);
    const kind = isNew ? "alert" : isOver ? "over" : "reminder";
    return { kind, verdict: this.#verdict, at: wallMs, troubles: told };
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

  /** Whether it has to be told, and wasn't yet. */
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

  #isCooling(episode: Episode, nowMs: number): boolean {
    return episode.toldMs !== null && !episode.isThere && !this.#isOver(episode, nowMs);
  }

  /** What a message of this moment says of it; null for nothing. */
  #stateIn(episode: Episode, nowMs: number, isNew: boolean): ToldTrouble["state"] | null {
    if (this.#isOver(episode, nowMs)) return "over";
    if (episode.toldMs !== null) return episode.isThere ? "still" : null;
    // What has only just begun is told with what is due, but is no reason for a message.
    return this.#isDue(episode, nowMs) || (isNew && episode.isThere) ? "new" : null;
  }

  /** Drops what passed before it had to be told. */
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
