/** What an observer knows about several stores of one node, and about their mirror's reports. Times: Date.now(). */
export interface StoresTimeline {
  /** When the node entered each of its states. */
  readonly statesAtMs: readonly number[];
  readonly stores: readonly StoreTimeline[];
  /** Each verdict and its reasons, in order. */
  readonly told: readonly ToldVerdict[];
  readonly untilMs: number;
}

export interface ToldVerdict {
  readonly atMs: number;
  readonly verdict: string;
  /** For people. */
  readonly findings: string;
}

export interface StoreTimeline {
  readonly name: string;
  /** What an S3 client read there, in order, each as the newest of the node's states that it covers. */
  readonly reads: readonly { readonly atMs: number; readonly state: number }[];
  /** What the mirror reported as saved there. */
  readonly commits: readonly { readonly atMs: number; readonly state: number }[];
  /** From just before a fault struck it until it first accepted a write again. */
  readonly away: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export interface VerdictBounds {
  /** How many stores have to hold the node's state. */
  readonly required: number;
  /** How long a state may take to be saved before "safe" is wrong. */
  readonly unsavedMs: number;
  /** How long it may take to say "safe" once enough stores are up and hold the state. */
  readonly settleMs: number;
}

export interface WrongVerdict extends ToldVerdict {
  readonly why: string;
}

const everyMs = 50;

/**
 * Judges the verdict at every moment from the first "safe" on; before that, nothing was read back yet. "safe" is wrong if fewer stores than
 * needed can hold what the node had a while ago; anything else is wrong if enough of them were up
 * for a while and are known to hold it. In between, an outside observer can't know. A verdict right after
 * another one that is wrong for the same reason is not listed again.
 */
export function wrongVerdicts(
  { statesAtMs, stores, told, untilMs }: StoresTimeline,
  { required, unsavedMs, settleMs }: VerdictBounds,
): readonly WrongVerdict[] {
  const wrong: WrongVerdict[] = [];
  let last = "";
  const firstMs = told.find(({ verdict }) => verdict === "safe")?.atMs ?? untilMs;
  for (let atMs = firstMs; atMs < untilMs; atMs += everyMs) {
    const { verdict = "", findings = "" } = told.findLast((each) => each.atMs <= atMs) ?? {};
    const due = newestAt(statesAtMs, atMs - unsavedMs);
    const able = stores.filter((store) => mostHeld(store, statesAtMs, atMs) >= due);
    const settled = newestAt(statesAtMs, atMs - settleMs);
    const level = stores.filter(
      (store) =>
        settled >= 0 &&
        leastHeld(store, atMs) >= settled &&
        store.away.every(({ fromMs, toMs }) => toMs < atMs - settleMs || fromMs > atMs),
    );
    const names = (of: readonly StoreTimeline[]): string => of.map(({ name }) => name).join(", ");
    const why =
      verdict === "safe" && able.length < required
        ? `state ${due} can only be in: ${names(able) || "none"}`
        : verdict !== "safe" && level.length >= required
          ? `state ${settled} is in: ${names(level)}`
          : "";
    if (why !== "" && why !== last) wrong.push({ atMs, verdict, findings, why });
    last = why;
  }
  return wrong;
}

/** The most it can hold: what is read next, but nothing that came while it was down. */
function mostHeld(store: StoreTimeline, statesAtMs: readonly number[], atMs: number): number {
  const next = store.reads.find((read) => read.atMs >= atMs);
  const away = store.away.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
  const unheard = away === undefined ? Infinity : newestAt(statesAtMs, away.fromMs);
  return Math.min(next?.state ?? Infinity, unheard);
}

function leastHeld({ reads }: StoreTimeline, atMs: number): number {
  return reads.findLast((read) => read.atMs <= atMs)?.state ?? -1;
}

/** -1 before the first. */
function newestAt(statesAtMs: readonly number[], atMs: number): number {
  return statesAtMs.findLastIndex((each) => each <= atMs);
}

export interface EventTime {
  readonly state: number;
  /** From the node's event until enough stores held it; infinite if they never did. */
  readonly tookMs: number;
  /** The same for as many stores that are each mirrored separately, without faults. */
  readonly ownMs: number;
  /** How far apart those were: smaller differences mean nothing on this machine. */
  readonly apartMs: number;
  /** Since the state before. */
  readonly sinceMs: number;
}

/** For each state, unless too few stores were up and level: then it can't be saved at once. */
export function eventTimes(
  timeline: StoresTimeline,
  alone: readonly StoreTimeline[],
  required: number,
): readonly EventTime[] {
  const { statesAtMs, stores } = timeline;
  const unfit = stores.map((store) =>
    store.away.map(({ fromMs, toMs }) => ({
      fromMs,
      toMs: toMs + levelMs(store, toMs, statesAtMs),
    })),
  );
  const times: EventTime[] = [];
  for (const [state, atMs] of statesAtMs.entries()) {
    const ownMs = savedMs(alone, state, required) - atMs;
    const isFit = (away: StoreTimeline["away"]): boolean =>
      !away.some(({ fromMs, toMs }) => fromMs <= atMs + ownMs && atMs <= toMs);
    if (state === 0 || unfit.filter(isFit).length < required) continue;
    const tookMs = savedMs(stores, state, required) - atMs;
    const apartMs = ownMs - (savedMs(alone, state, 1) - atMs);
    times.push({ state, tookMs, ownMs, apartMs, sinceMs: atMs - (statesAtMs[state - 1] ?? 0) });
  }
  return times;
}

/** When this many of the stores held the state; infinite if they never did. */
export function savedMs(stores: readonly StoreTimeline[], state: number, required: number): number {
  const saved = stores.map(
    ({ commits }) => commits.find((commit) => commit.state >= state)?.atMs ?? Infinity,
  );
  return saved.sort((a, b) => a - b)[required - 1] ?? Infinity;
}

/** For each return of a store: the time until it was seen to hold what the node had then; infinite if never. */
export function returnTimes({ statesAtMs, stores }: StoresTimeline): readonly number[] {
  return stores.flatMap((store) => store.away.map(({ toMs }) => levelMs(store, toMs, statesAtMs)));
}

function levelMs({ reads }: StoreTimeline, fromMs: number, statesAtMs: readonly number[]): number {
  const due = newestAt(statesAtMs, fromMs);
  const level = reads.find((read) => read.atMs >= fromMs && read.state >= due);
  return (level?.atMs ?? Infinity) - fromMs;
}
