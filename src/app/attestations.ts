import { hostname } from "node:os";
import { type Attestation, attest } from "../repository/mirror-record.ts";
import { newOperationId } from "../repository/operation-id.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** The part of a store's mirror that attestations need. */
export interface AttestedMirror {
  /** The store's name. */
  readonly name: string;
  /** The node's folder in it. */
  readonly store: ObjectStore;
  /** The version that was current when the store was last read. */
  readonly held: Attestation["version"] | null;
  /** Asks for an early read-back of what was saved. */
  lookSoon(): void;
}

export interface AttestationsOptions {
  /** Null turns attestations off. */
  readonly intervalMs: number | null;
  /**
   * When this store was last proved to hold the node's state, if nothing contradicts that now; otherwise
   * null. Monotonic milliseconds.
   */
  readonly heldSinceMs: (store: string) => number | null;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A read-back usually takes less. If the store is in trouble, the attester asks again. */
const lookMs = 30_000;
const leastLookMs = 5_000;
const pollMs = 1_000;
const putMs = 15_000;
/** How long shutdown waits for the final attestation. */
const lastWordMs = 3_000;
/** How often the log repeats that a store takes no attestation. */
const remindMs = 3_600_000;

/**
 * Runs `work`. Meanwhile each mirror attests in its store that it is alive, but only while it hears from
 * the node and has just read the node's state back from that store. If `work` succeeds, each mirror
 * attests that it stopped. Attestations never disturb the work: a failure is logged, and the next one is
 * tried when it is due.
 */
export async function attestWhile<T>(
  work: () => Promise<T>,
  mirrors: readonly AttestedMirror[],
  options: AttestationsOptions,
): Promise<T> {
  const { intervalMs } = options;
  if (intervalMs === null) return work();
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const attesters = mirrors.map(
    (mirror) => new Attester(mirror, { ...options, intervalMs, signal }),
  );
  const running = Promise.all(attesters.map((attester) => attester.run()));
  let isDone = false;
  try {
    const result = await work();
    isDone = true;
    return result;
  } finally {
    ended.abort();
    await running;
    if (isDone) await Promise.all(attesters.map((attester) => attester.stop()));
  }
}

class Attester {
  readonly #mirror: AttestedMirror;
  readonly #options: AttestationsOptions & { readonly intervalMs: number };
  readonly #id: string;
  #hasAttested = false;
  #loggedMs = -Infinity;

  constructor(
    mirror: AttestedMirror,
    options: AttestationsOptions & { readonly intervalMs: number },
  ) {
    this.#mirror = mirror;
    this.#options = options;
    this.#id = newOperationId(options.clock, options.random);
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    const { clock, intervalMs, signal } = this.#options;
    let dueMs = clock.monotonicMs();
    while (!signal.aborted) {
      try {
        await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), signal);
        await this.#lookedBack();
        dueMs = clock.monotonicMs() + intervalMs;
        await this.#put("running", putMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#log(ScbError.from(error));
      }
    }
  }

  /** Attests the stop, unless nothing was ever attested. */
  async stop(): Promise<void> {
    if (!this.#hasAttested) return;
    await this.#put("stopped", lastWordMs).catch((error: unknown) =>
      this.#log(ScbError.from(error)),
    );
  }

  /** Resolves once the store has been read back since this call and held the node's state. */
  async #lookedBack(): Promise<void> {
    const { clock, heldSinceMs, intervalMs, signal } = this.#options;
    const patienceMs = Math.min(lookMs, Math.max(leastLookMs, intervalMs));
    const { name } = this.#mirror;
    for (;;) {
      const askedMs = clock.monotonicMs();
      this.#mirror.lookSoon();
      while (clock.monotonicMs() - askedMs < patienceMs) {
        const heldMs = heldSinceMs(name);
        if (heldMs !== null && heldMs >= askedMs) return;
        await clock.sleep(pollMs, signal);
      }
    }
  }

  async #put(state: Attestation["state"], ms: number, signal?: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const { held, store } = this.#mirror;
    if (held === null) return;
    const { key, sequence, sha256 } = held;
    const at = new Date(clock.now()).toISOString();
    const attestation: Attestation = {
      state,
      at,
      nodeSeenAt: at,
      version: { key, sequence, sha256 },
      intervalMs,
      writer: `scb-mirror/${programVersion} ${hostname()} ${process.pid}`,
    };
    const late = (): ScbError => new ScbError("store-busy", `no answer in ${ms / 1000} s`);
    await withinDeadline({ clock, ms, signal, late }, (within) =>
      attest(store, this.#id, attestation, { signal: within.signal }),
    );
    this.#hasAttested = true;
    this.#loggedMs = -Infinity;
  }

  #log(error: ScbError): void {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#loggedMs < remindMs) return;
    this.#loggedMs = nowMs;
    logger.warn(
      { store: this.#mirror.name, code: error.code },
      `the store took no attestation, so status and watch may report this mirror as silent: ${error.message}`,
    );
  }
}
