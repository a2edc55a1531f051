import type { Proof, Situation } from "../alerts/situation.ts";
import type { Watcher } from "../alerts/watcher.ts";
import { findingOf, verdictOf } from "../checks/finding.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode, ScbError } from "../runtime/error.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import { type OpenWatcherOptions, openWatcher } from "./open-watcher.ts";
import { isOfNode } from "./run-verdict.ts";
import type { Settings } from "./settings.ts";

/** What a run shows to who watches it, once it has begun. */
export interface WatchedRun {
  /** The name of the node's folder. */
  readonly node: string;
  /** As of now: no I/O. */
  readonly situation: () => Situation;
  /** Reads the stores back soon. */
  readonly look: () => void;
}

/** These end a run with exit code 4, after which it isn't started again by itself. */
const leftToAPerson: readonly ErrorCode[] = ["refused", "store-lies", "pointer-lost", "wrong-node"];

/** So long it may take a run that begins to read back what it found or saved. */
const beginsMs = 30_000;

/** Tells people and services how a run goes, from its first moment to its last. */
export class RunAlerts {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #begunMs: number;
  #watcher: Watcher | null = null;
  #run: WatchedRun | null = null;
  /** What the start waits for. */
  #trouble: ScbError | null = null;

  private constructor({ settings, clock }: OpenWatcherOptions) {
    this.#settings = settings;
    this.#clock = clock;
    this.#begunMs = clock.monotonicMs();
  }

  /** Null if nobody wants to be told. */
  static async open(options: OpenWatcherOptions): Promise<RunAlerts | null> {
    const alerts = new RunAlerts(options);
    alerts.#watcher = await openWatcher(options, {
      situation: () => alerts.#situation(),
      look: () => alerts.#run?.look(),
    });
    return alerts.#watcher === null ? null : alerts;
  }

  /** Node and stores were reached: from now on the run's verdict counts. */
  begin(run: WatchedRun): void {
    this.#run = run;
  }

  hear(event: DaemonEvent): void {
    // Until the node is reached, nothing else is tried.
    if (event.kind === "retrying") this.#trouble = event.error;
    if (event.kind === "recovered") this.#trouble = null;
    this.#watcher?.hear();
  }

  /** Ends it; `error` is what has ended the run, if something did. */
  async close(error?: unknown): Promise<void> {
    if (error !== undefined && this.#isWorthTelling(error)) {
      this.#watcher?.fail(ScbError.from(error), this.#where);
    }
    await this.#watcher?.close();
  }

  /**
   * What wasn't saved in time is saved by the next start, as in a rolling update. What ends a run at its
   * start ends each of those that a supervisor starts after it: only what a supervisor leaves to a person
   * is told then.
   */
  #isWorthTelling(error: unknown): boolean {
    if (hasCode(error, "aborted", "usage")) return false;
    const livedMs = this.#clock.monotonicMs() - this.#begunMs;
    return hasCode(error, ...leftToAPerson) || livedMs >= this.#settings["notify-after"];
  }

  get #where(): { readonly node: string; readonly store: string } {
    const { node = "the node", to = [] } = this.#settings;
    return { node: this.#run?.node ?? node, store: to.length === 1 ? (to[0] ?? "") : "the stores" };
  }

  /** That nothing was read back yet is no finding at the very start. */
  #situation(): Situation {
    const situation = this.#run?.situation() ?? this.#starting();
    if (this.#clock.monotonicMs() - this.#begunMs > beginsMs) return situation;
    const { findings } = situation;
    return {
      ...situation,
      findings: findings.filter(({ finding }) => finding.code !== "unproved"),
    };
  }

  /** Until the stores were read for the first time nothing is known of them. */
  #starting(): Situation {
    const where = this.#where;
    const trouble = this.#trouble;
    const code = trouble === null ? "unproved" : isOfNode(trouble) ? "node-unread" : "store-unread";
    const message = trouble?.message ?? "the mirror has just begun";
    const finding = findingOf(code, where.store, message);
    const proof: Proof = { verdict: verdictOf([finding]), provedAtMs: null };
    return { ...proof, findings: [{ ...where, finding }] };
  }
}
