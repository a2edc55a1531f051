import type { SubSwapperEvent } from "../chanbackup/sub-swapper-events.ts";
import { type Finding, findingOf, type Verdict, verdictOf } from "../checks/finding.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { tell } from "../runtime/tell.ts";
import { RunVerdict } from "./run-verdict.ts";

/** What a `SubSwapperVerdict` judges. */
export interface SubSwapperVerdictOptions {
  /** Where the backups lie, for people: an `OffsiteSwapper`'s `location`. */
  readonly store: string;
  /** The SubSwapper's own word, `() => subSwapper.isSaved`. Asked from its first event on. */
  readonly isSaved: () => boolean;
  /** The SubSwapper's: what wasn't read back for two of them isn't known to be there. Default 5 min. */
  readonly lookIntervalMs?: number;
  /** Hears the verdict whenever it, or what it rests on, changes. */
  readonly onChange?: (verdict: Verdict, findings: readonly Finding[]) => void;
  readonly clock?: Clock;
}

/**
 * Is what a SubSwapper looks after safe, as of what it went through? Give `observer` to the SubSwapper.
 * It says "safe" only if everything reported is saved and was read back lately; so never with a Swapper
 * that can't `look`. `BackupHistory.status` judges the store itself, from anywhere.
 */
export class SubSwapperVerdict {
  readonly #options: SubSwapperVerdictOptions;
  readonly #run: RunVerdict;
  /** Of channels that no backup can hold, by what was said of each. */
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
    // At the start nothing was read back yet, which is no news.
    const isNews = mark !== this.#told && (verdict !== "unknown" || this.#told !== "");
    if (!isNews) return;
    this.#told = mark;
    if (onChange !== undefined) tell((of: typeof findings) => onChange(verdict, of), findings);
  };

  /** As of now. */
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
        // The backup keeps them.
        break;
      case "failed":
        this.#failure = event.error;
        break;
      default:
        this.#run.hear(event);
    }
  }
}
