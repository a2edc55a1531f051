import { Nap } from "../chanbackup/nap.ts";
import { type BackoffOptions, backoffMs } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { Slots } from "../runtime/slots.ts";
import type { Letter, Receiver } from "./receivers/receiver.ts";

export interface OutboxOptions {
  readonly receiver: Receiver;
  /** Shared by all outboxes, because name look-ups use threads that file access needs too. */
  readonly slots: Slots;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How long one attempt may take. */
export const sendMs = 20_000;
const backoff: BackoffOptions = { firstMs: 2_000, maxMs: 300_000 };
/** With at most six an hour for one finding, so many only wait if the receiver is gone. */
const mostWaiting = 50;
/** How often the log repeats that a receiver doesn't answer. */
const remindMs = 3_600_000;

/**
 * Sends letters to one receiver in order, and retries each until it is accepted: at-least-once delivery, as
 * long as the process lives. If too many wait, it drops the oldest, and the log says so.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #waiting: Letter[] = [];
  readonly #nap: Nap;
  readonly #ended = new AbortController();
  #running: Promise<void> | null = null;
  #failures = 0;
  #loggedMs = -Infinity;
  #isClosing = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#nap = new Nap(options.clock);
  }

  /** Returns at once. */
  post(letter: Letter): void {
    if (this.#isClosing) return;
    const { logger, receiver } = this.#options;
    this.#waiting.push(letter);
    if (this.#waiting.length > mostWaiting) {
      // Keeps the first, which may be on its way.
      const [dropped] = this.#waiting.splice(1, 1);
      logger.error(
        { to: receiver.name },
        `a message was dropped, because too many are waiting: ${dropped?.title}`,
      );
    }
    this.#running ??= this.#run();
  }

  /** Tries the waiting letters once more, for at most `graceMs`, and ends. May be called twice. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const { clock } = this.#options;
    this.#nap.wake();
    const late = (): ScbError => new ScbError("aborted", "the time was up");
    const { signal } = this.#ended;
    await withinDeadline({ clock, ms: graceMs, signal, late }, async () => this.#running).catch(
      () => undefined,
    );
    this.#ended.abort();
    await this.#running;
  }

  /** Runs until nothing waits. Never throws. */
  async #run(): Promise<void> {
    const { random, receiver, logger } = this.#options;
    const { signal } = this.#ended;
    // Yields first, so that `post` never does any of this work itself.
    await Promise.resolve();
    for (let letter = this.#waiting[0]; letter !== undefined; letter = this.#waiting[0]) {
      try {
        const answer = await this.#send(letter);
        this.#waiting.shift();
        const attempts = this.#failures + 1;
        logger.info({ to: receiver.name, answer, attempts }, `message sent: ${letter.title}`);
        this.#failures = 0;
        this.#loggedMs = -Infinity;
      } catch (error) {
        if (signal.aborted) break;
        this.#failures += 1;
        const retryInMs = Math.round(backoffMs(this.#failures + 1, random, backoff));
        this.#logFailure(ScbError.from(error), letter, retryInMs);
        if (this.#isClosing) break;
        await this.#nap.sleep(retryInMs);
      }
    }
    if (this.#waiting.length > 0) {
      const titles = this.#waiting.map(({ title }) => title);
      logger.error({ to: receiver.name, titles }, "messages were still unsent at the end");
    }
    this.#running = null;
  }

  #send(letter: Letter): Promise<string> {
    const { receiver, slots, clock } = this.#options;
    return slots.hold(() =>
      withinDeadline(
        {
          clock,
          ms: sendMs,
          signal: this.#ended.signal,
          late: () => new ScbError("undelivered", `no answer in ${sendMs / 1000} s`),
        },
        ({ signal }) => receiver.send(letter, signal),
      ),
    );
  }

  #logFailure(error: ScbError, { title }: Letter, retryInMs: number): void {
    const { clock, receiver, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#loggedMs < remindMs) return;
    this.#loggedMs = nowMs;
    logger.error(
      { to: receiver.name, attempts: this.#failures, retryInMs },
      `a message couldn't be sent to ${receiver.name}: ${error.message}; trying again: ${title}`,
    );
  }
}
