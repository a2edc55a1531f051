import type { Clock } from "../runtime/clock.ts";
import { printable } from "../runtime/foreign-text.ts";
import { formatAge } from "./format.ts";

/** What a command is doing, for a person who waits for it. */
export interface Doing {
  /** "reading versions back": a fragment in lower case, without a full stop. */
  readonly what: string;
  /** How much of `total` is done, if it is counted. */
  readonly done?: number;
  readonly total?: number;
  /** Which of several things at once this is, such as a store: their counts add up. */
  readonly part?: string;
}

interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What is over sooner shows nothing. */
const delayMs = 2_000;
/** However often the counts change. */
const redrawMs = 250;
const barWidth = 20;
/** Where a terminal doesn't know its size. */
const usualColumns = 80;
const eraseLine = "\r\u001b[K";

/**
 * One line on a terminal that says what is under way, how far it is and how long it will take. Shows
 * nothing for the first two seconds, and nothing at all where `stream` is no terminal, or one that can't
 * erase a line. It has no colours, so NO_COLOR changes nothing.
 */
export class ProgressLine {
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #isAble: boolean;
  readonly #parts = new Map<string, Doing>();
  #doing: Doing | null = null;
  /** When `#doing.what` began. Monotonic. */
  #sinceMs = 0;
  #drawing: AbortController | null = null;
  #isDrawn = false;

  constructor(stream: ProgressStream, clock: Clock, term = "") {
    this.#stream = stream;
    this.#clock = clock;
    this.#isAble = stream.isTTY === true && term !== "dumb";
  }

  /** Says what is under way now. Null: nothing any more, and the line goes away for good. */
  show(doing: Doing | null): void {
    if (!this.#isAble) return;
    if (doing === null) this.#end();
    else this.#begin(doing);
  }

  /** Takes the line away, for another that is about to be written. The next redraw brings it back. */
  hide(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#stream.write(eraseLine);
  }

  #begin(doing: Doing): void {
    if (doing.what !== this.#doing?.what) this.#sinceMs = this.#clock.monotonicMs();
    this.#doing = doing;
    this.#parts.set(doing.part ?? "", doing);
    if (this.#drawing !== null) return;
    this.#drawing = new AbortController();
    void this.#draw(this.#drawing.signal);
  }

  #end(): void {
    this.#drawing?.abort();
    this.#drawing = null;
    this.#doing = null;
    this.#parts.clear();
    this.hide();
  }

  async #draw(signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(delayMs, signal);
      for (;;) {
        // A line that wraps could not be erased.
        const text = printable(this.#text()).slice(0, (this.#stream.columns || usualColumns) - 1);
        this.#stream.write(`${eraseLine}${text}`);
        this.#isDrawn = true;
        await this.#clock.sleep(redrawMs, signal);
      }
    } catch {
      // Only the end of the wait: nothing is under way any more.
    }
  }

  #text(): string {
    if (this.#doing === null) return "";
    const { what } = this.#doing;
    const elapsedMs = this.#clock.monotonicMs() - this.#sinceMs;
    const same = [...this.#parts.values()].filter((part) => part.what === what);
    const sum = (of: (part: Doing) => number | undefined): number =>
      same.reduce((all, part) => all + (of(part) ?? 0), 0);
    const total = sum((part) => part.total);
    const done = sum((part) => part.done);
    if (total === 0) return `${what}, ${formatAge(elapsedMs / 1000)}`;
    const share = Math.min(1, done / total);
    const filled = Math.floor(share * barWidth);
    const bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}]`;
    const leftMs = done === 0 ? Number.NaN : (elapsedMs / done) * (total - done);
    const left =
      elapsedMs < delayMs || Number.isNaN(leftMs) ? "" : `, about ${formatAge(leftMs / 1000)} left`;
    return `${what}: ${done} of ${total} ${bar} ${Math.floor(share * 100)} %${left}`;
  }
}
