import { hostname } from "node:os";
import { type FindingCode, findingKinds, findingOf } from "../checks/finding.ts";
import { newOperationId } from "../repository/operation-id.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { Slots } from "../runtime/slots.ts";
import { AlertBook, type Moment } from "./alert-book.ts";
import { Heartbeat } from "./heartbeat.ts";
import { letterOf } from "./letter.ts";
import { Outbox } from "./outbox.ts";
import { HeartbeatService } from "./receivers/heartbeat-service.ts";
import type { Receiver } from "./receivers/receiver.ts";
import { isToldAtOnce, type LocatedFinding, type Situation } from "./situation.ts";

export interface WatcherOptions {
  readonly receivers: readonly Receiver[];
  readonly heartbeat: URL | null;
  readonly heartbeatIntervalMs: number;
  readonly notifyAfterMs: number;
  /** Whether messages include channel points and amounts. */
  readonly details: boolean;
  /** What is known now. Called every second, so it must do no I/O. */
  readonly situation: () => Situation;
  /** Asks for the stores to be read back soon. */
  readonly look: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const tickMs = 1_000;
/** How many are sent at once: a hanging name look-up occupies one of the few threads for file access. */
const sendings = 2;
/** How long `close` waits for unsent messages. */
const graceMs = 5_000;

/** Reports to people and services what a mirror or monitor finds. Never delays it. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #book: AlertBook;
  readonly #outboxes: readonly Outbox[];
  readonly #heartbeat: Heartbeat | null;
  readonly #ended = new AbortController();
  readonly #ticking: Promise<void>;

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { receivers, heartbeat, heartbeatIntervalMs, notifyAfterMs } = options;
    this.#book = new AlertBook(notifyAfterMs);
    const service = heartbeat && new HeartbeatService(heartbeat);
    this.#heartbeat =
      service && new Heartbeat({ ...options, service, intervalMs: heartbeatIntervalMs });
    const slots = new Slots(sendings);
    this.#outboxes = [...receivers, ...(service === null ? [] : [service])].map(
      (receiver) => new Outbox({ ...options, receiver, slots }),
    );
    this.#ticking = this.#tick();
  }

  /** Call it when something has happened: it may be over in a moment, but must still be reported. */
  hear(): void {
    try {
      this.#see(this.#options.situation());
    } catch (error) {
      // A defect here must not become the mirror's.
      const err = ScbError.from(error);
      this.#options.logger.error({ err }, "a defect kept an alert from being made");
    }
  }

  /** Reports that the mirror or monitor ended with an error that a person has to fix. */
  fail(error: ScbError, where: Pick<LocatedFinding, "node" | "store">): void {
    const found = (code: FindingCode): LocatedFinding => ({
      ...where,
      finding: findingOf(code, where.store, error.message),
    });
    const named = (Object.keys(findingKinds) as readonly FindingCode[])
      .filter((code) => code === error.code)
      .map(found)
      .find(isToldAtOnce);
    const end = named ?? found("stopped");
    const { findings } = this.#options.situation();
    const others = findings.filter((it) => it.finding.code !== end.finding.code);
    this.#see({ verdict: "unsafe", provedAtMs: null, findings: [end, ...others] });
  }

  /** Tries to send what still waits, for a few seconds at most, and ends. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#ticking;
    this.#post(this.#book.close(this.#now()));
    await Promise.all([this.#heartbeat, ...this.#outboxes].map((it) => it?.close(graceMs)));
  }

  #see(situation: Situation): void {
    this.#book.see(situation, this.#now());
    this.#post(this.#book.take(this.#now()));
    this.#heartbeat?.see(situation);
  }

  #post(message: ReturnType<AlertBook["take"]>): void {
    if (message === null) return;
    const { clock, random, details } = this.#options;
    const id = newOperationId(clock, random);
    const letter = letterOf(message, { id, details, host: hostname() });
    for (const outbox of this.#outboxes) outbox.post(letter);
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.now() };
  }

  async #tick(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#options.clock.sleep(tickMs, signal).catch(() => undefined);
      if (!signal.aborted) this.hear();
    }
  }
}
