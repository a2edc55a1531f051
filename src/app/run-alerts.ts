import type { Proof, Situation } from "../alerts/situation.ts";
import type { Watcher } from "../alerts/watcher.ts";
import { findingOf, verdictOf } from "../checks/finding.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode, ScbError } from "../runtime/error.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import { type OpenWatcherOptions, openWatcher } from "./open-watcher.ts";
import { isOfNode } from "./run-verdict.ts";
import type { Settings } from "./settings.ts";

/** What alerts need of a run, once it has begun. */
export interface WatchedRun {
  /** The name of the node's folder. */
  readonly node: string;
  /** The situation now. Does no I/O. */
  readonly situation: () => Situation;
  /** Asks for an early read-back of the stores. */
  readonly look: () => void;
}

/** These end a run with exit code 4, which tells a supervisor not to restart it. */
const leftToAPerson: readonly ErrorCode[] = ["refused", "store-lies", "pointer-lost", "wrong-node"];

/** How long a starting run may take to read back what it found or saved. */
const beginsMs = 30_000;

/** Notifies people and services about a run, from its start to its end. */
export class RunAlerts {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #begunMs: number;
  #watcher: Watcher | null = null;
  #run: WatchedRun | null = null;
  /** What the start is waiting for. */
  #trouble: ScbError | null = null;

  private constructor({ settings, clock }: OpenWatcherOptions) {
    this.#settings = settings;
    this.#clock = clock;
    this.#begunMs = clock.monotonicMs();
  }

  /** Null if the settings ask for no notifications. */
  static async open(options: OpenWatcherOptions): Promise<RunAlerts | null> {
    const alerts = new RunAlerts(options);
    alerts.#watcher = await openWatcher(options, {
      situation: () => alerts.#situation(),
      look: () => alerts.#run?.look(),
    });
    return alerts.#watcher === null ? null : alerts;
  }

  /** The node and the stores have been reached: from now on the run's verdict counts. */
  begin(run: WatchedRun): void {
    this.#run = run;
  }

  hear(event: DaemonEvent): void {
    // Nothing else is tried until the node is reached.
    if (event.kind === "retrying") this.#trouble = event.error;
    if (event.kind === "recovered") this.#trouble = null;
    this.#watcher?.hear();
  }

  /** Ends the alerts. `error` is what ended the run, if anything did. */
  async close(error?: unknown): Promise<void> {
    if (error !== undefined && this.#isWorthTelling(error)) {
      this.#watcher?.fail(ScbError.from(error), this.#where);
    }
    await this.#watcher?.close();
  }

  /**
   * Leaves out errors that a restart takes care of. The next start saves what wasn't saved in time, as in
   * a rolling update. An error right at the start would recur at every restart, so it is reported only if
   * a supervisor won't restart the run.
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

  /** At the very start, "nothing was read back yet" is no finding. */
  #situation(): Situation {
    const situation = this.#run?.situation() ?? this.#starting();
    if (this.#clock.monotonicMs() - this.#begunMs > beginsMs) return situation;
    const { findings } = situation;
    return {
      ...situation,
      findings: findings.filter(({ finding }) => finding.code !== "unproved"),
    };
  }

  /** Nothing is known of the stores until they have first been read. */
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
