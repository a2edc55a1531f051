import type { SubSwapperEvent } from "../chanbackup/sub-swapper-events.ts";
import { type Finding, findingOf, type Verdict, verdictOf } from "../checks/finding.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { tell } from "../runtime/tell.ts";
import { RunVerdict } from "./run-verdict.ts";

/** What a `SubSwapperVerdict` judges. */
export interface SubSwapperVerdictOptions {
  /** Where the backups are stored, for people: an `OffsiteSwapper`'s `location`. */
  readonly store: string;
  /** The SubSwapper's own answer, `() => subSwapper.isSaved`. Called from its first event on. */
  readonly isSaved: () => boolean;
  /**
   * The SubSwapper's look interval. If two of them pass without a read-back, the backup isn't known to be
   * there. Default 5 min.
   */
  readonly lookIntervalMs?: number;
  /** Called whenever the verdict, or a finding behind it, changes. */
  readonly onChange?: (verdict: Verdict, findings: readonly Finding[]) => void;
  readonly clock?: Clock;
}

/**
 * Judges from a SubSwapper's events whether its backups are safe. Pass `observer` to the SubSwapper. The
 * verdict is "safe" only if everything reported is saved and was read back recently, so never with a
 * Swapper that can't `look`. `BackupHistory.status` judges the store itself, from anywhere.
 */
export class SubSwapperVerdict {
  readonly #options: SubSwapperVerdictOptions;
  readonly #run: RunVerdict;
  /** Channels that no backup can hold, with the reason for each. */
  readonly #skipped = new Set<string>();
  #failure: ScbError | null = null;
  #told = "";

  constructor(options: SubSwapperVerdictOptions) {
    const { store, lookIntervalMs = 300_000, clock = systemClock } = options;
    this.#options = options;
    this.#run = new RunVerdict({
      store,
      lookIntervalMs,
      clock,
      limbo: () => ({ uncovered: [], missingAlso: [] }),
      tell: () => undefined,
    });
  }

  /** For `SubSwapperOptions.observer`. */
  readonly observer = (event: SubSwapperEvent): void => {
    this.#take(event);
    const { onChange } = this.#options;
    const { verdict, findings } = this.judge();
    const mark = [verdict, ...findings.map(({ code }) => code).sort()].join(" ");
    // "Nothing was read back yet" is no news at the start.
    const isNews = mark !== this.#told && (verdict !== "unknown" || this.#told !== "");
    if (!isNews) return;
    this.#told = mark;
    if (onChange !== undefined) tell((of: typeof findings) => onChange(verdict, of), findings);
  };

  judge(): { readonly verdict: Verdict; readonly findings: readonly Finding[] } {
    const { store, isSaved } = this.#options;
    const findings = [...this.#run.judge().findings];
    if (this.#skipped.size > 0 && isSaved()) this.#skipped.clear();
    for (const message of this.#skipped) findings.push(findingOf("not-covered", store, message));
    if (this.#failure !== null) {
      const message = `the SubSwapper has ended: ${this.#failure.message}`;
      findings.push(findingOf("not-saved", store, message));
    }
    return { verdict: verdictOf(findings), findings };
  }

  #take(event: SubSwapperEvent): void {
    switch (event.kind) {
      case "channel-skipped":
        this.#skipped.add(`${event.channelPoint ?? "a channel"}: ${event.error.message}`);
        break;
      case "notifier-lost": {
        const { message } = event.error;
        const error = new ScbError("node-unavailable", message, { cause: event.error });
        const { retryInMs } = event;
        this.#run.hear({ kind: "retrying", error, attempt: 1, retryInMs, store: null });
        break;
      }
      case "notifier-recovered":
        this.#run.hear({ kind: "recovered", attempts: 1, store: null });
        break;
      case "close-held-back":
        // The backup still holds these channels.
        break;
      case "failed":
        this.#failure = event.error;
        break;
      default:
        this.#run.hear(event);
    }
  }
}
