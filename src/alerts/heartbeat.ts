import { type BackoffOptions, backoffMs } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { sendMs } from "./outbox.ts";
import type { HeartbeatService } from "./receivers/heartbeat-service.ts";
import type { Proof } from "./situation.ts";

export interface HeartbeatOptions {
  readonly service: Pick<HeartbeatService, "name" | "ping">;
  readonly intervalMs: number;
  /** Asks for the stores to be read back now; a later proof has the result. */
  readonly look: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A look normally takes less; after this long it is requested again. */
const lookMs = 30_000;
const leastLookMs = 5_000;
const backoff: BackoffOptions = { firstMs: 2_000, maxMs: 60_000 };
const remindMs = 3_600_000;

/**
 * Pings a service at each interval, but only while the verdict is safe and the stores have been read back
 * since the interval ended. Otherwise it stays silent, and the service raises the alarm.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #ended = new AbortController();
  #dueMs = -Infinity;
  #askedMs: number | null = null;
  #failures = 0;
  #loggedMs = -Infinity;
  #underWay: Promise<void> | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Takes in the present verdict. Returns at once. */
  see({ verdict, provedAtMs }: Proof): void {
    const { look, clock, intervalMs } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#dueMs || this.#underWay !== null || this.#ended.signal.aborted) return;
    const patienceMs = Math.min(lookMs, Math.max(leastLookMs, intervalMs));
    if (this.#askedMs === null || nowMs - this.#askedMs > patienceMs) {
      this.#askedMs = nowMs;
      look();
    }
    if (verdict !== "safe" || provedAtMs === null || provedAtMs < this.#askedMs) return;
    this.#dueMs = this.#askedMs + intervalMs;
    this.#askedMs = null;
    this.#underWay = this.#ping();
  }

  /** Waits for a ping in progress, for at most `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#dueMs = Infinity;
    const late = (): ScbError => new ScbError("aborted", "the time was up");
    const underWay = async (): Promise<void> => (await this.#underWay) ?? undefined;
    await withinDeadline({ clock, ms: graceMs, late }, underWay).catch(() => undefined);
    this.#ended.abort();
    await this.#underWay;
  }

  async #ping(): Promise<void> {
    const { service, clock, random, logger, intervalMs } = this.#options;
    const late = (): ScbError => new ScbError("undelivered", `no answer in ${sendMs / 1000} s`);
    const { signal } = this.#ended;
    try {
      await withinDeadline({ clock, ms: sendMs, signal, late }, (within) =>
        service.ping(within.signal),
      );
      if (this.#failures > 0) logger.info({ to: service.name }, "the heartbeat gets through again");
      this.#failures = 0;
      this.#loggedMs = -Infinity;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      const nowMs = clock.monotonicMs();
      const retryInMs = backoffMs(this.#failures + 1, random, backoff);
      this.#dueMs = nowMs + Math.min(retryInMs, intervalMs);
      if (nowMs - this.#loggedMs < remindMs) return;
      this.#loggedMs = nowMs;
      const { message } = ScbError.from(error);
      logger.error(
        { to: service.name, attempts: this.#failures },
        `the heartbeat didn't reach ${service.name}: ${message}; trying again`,
      );
    } finally {
      this.#underWay = null;
    }
  }
}
