import PQueue from "p-queue";
import { probePrefix } from "../repository/layout.ts";
import { newOperationId } from "../repository/operation-id.ts";
import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, PutCondition } from "../store/object-store.ts";

export interface ProbeOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/** Concurrent writers in each round. A store that checks, then acts loses only some rounds. */
const racers = 8;
const raceRounds = 5;
/** Tries at a step with inconclusive answers, before the store counts as unavailable. */
const triesPerStep = 5;
/** Some stores take one write a second per key, and answer faster ones that they are busy. */
const slowPaceMs = 1_100;

/** The answer proved nothing: the step is repeated on fresh keys. */
class NoVerdict extends Error {}

/** Interrupted probes, which know what they left in the store. */
const brokenOff = new WeakMap<ObjectStore, Probe>();

/**
 * Finds out whether the store enforces conditional writes. A store that ignores them answers 200 and
 * loses data silently, so it is tested before anything relies on them.
 *
 * Resolves once every step came out right. Throws "store-lies", saying what was seen, or what the store
 * throws if it is unavailable or denies access: a probe that couldn't run is no verdict. Deletes what it
 * wrote, if permitted; the next probe on the same `store` reuses the folder. Source:
 * docs/protocol.md, "The probe".
 */
export async function probeStore(options: ProbeOptions): Promise<void> {
  const { store } = options;
  const probe = brokenOff.get(store) ?? new Probe(options);
  brokenOff.delete(store);
  try {
    await probe.run(options);
  } catch (error) {
    brokenOff.set(store, probe);
    throw error;
  }
}

class Probe {
  #options: ProbeOptions;
  readonly #folder: string;
  readonly #queue = new PQueue({ concurrency: racers });
  /** When each key that may hold something was last requested. Monotonic. */
  readonly #askedMs = new Map<string, number>();
  /** Keys known to have held something. */
  readonly #taken = new Set<string>();
  /** Set if the store said that it is busy: then the probe pauses between two writes of a key. */
  #busy: ScbError | undefined;
  #keys = 0;
  #bodies = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#folder = `${probePrefix}${newOperationId(options.clock, options.random)}/`;
  }

  async run(options: ProbeOptions): Promise<void> {
    this.#options = options;
    try {
      await this.#step((key) => this.#sequence(key));
      await this.#step((key) => this.#missing(key));
      for (let round = 0; round < raceRounds; round += 1) {
        await this.#step((key) => this.#raceToCreate(key));
        await this.#step((key) => this.#raceToReplace(key));
      }
    } finally {
      await this.#cleanUp();
    }
  }

  /** Runs one step on a fresh key, and again if its answers prove nothing. */
  async #step(run: (key: string) => Promise<void>): Promise<void> {
    const { store, random } = this.#options;
    let senseless = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await run(this.#freshKey());
        return;
      } catch (error) {
        const saysNothing =
          error instanceof NoVerdict || hasCode(error, "store-busy", "store-unknown");
        if (!saysNothing) throw error;
        senseless += error instanceof NoVerdict ? 1 : 0;
        // One such answer may come from a request that was delivered twice; if it happens every time, the
        // store is at fault.
        if (senseless >= triesPerStep) {
          throw this.#lie(`it gave no usable answer in ${triesPerStep} tries: ${error.message}`);
        }
        if (attempt >= triesPerStep) {
          if (!(error instanceof NoVerdict)) throw error;
          throw new ScbError(
            "store-unknown",
            `it is not known whether ${store.location} enforces conditional writes: it gave no clear answer in ${triesPerStep} tries (${error.message})`,
          );
        }
        await this.#wait(backoffMs(attempt, random, storeBackoff), error);
      }
    }
  }

  /** A key for a step. Reuses the last one if nothing is known to have been written there. */
  #freshKey(): string {
    const last = `${this.#folder}${this.#keys}`;
    if (this.#keys > 0 && !this.#taken.has(last)) return last;
    this.#keys += 1;
    return `${this.#folder}${this.#keys}`;
  }

  /** Creates, creates again, replaces, replaces with an outdated etag, and reads. */
  async #sequence(key: string): Promise<void> {
    const first = await this.#must(key, { kind: "absent" }, "a create of a new key");
    if ((await this.#paced(key, { kind: "absent" })) !== null) {
      throw this.#lie("a second create of the same key succeeded: If-None-Match is ignored");
    }
    const match = { kind: "match", etag: first } as const;
    const second = await this.#must(key, match, "a replace with the current etag");
    if (second === first) throw this.#lie("two different contents have the same ETag");
    if ((await this.#paced(key, match)) !== null) {
      throw this.#lie(
        "a replace with an etag that is no longer current succeeded: If-Match is ignored",
      );
    }
    await this.#checkReads(key, second);
  }

  async #missing(key: string): Promise<void> {
    const etag = await this.#must(key, { kind: "absent" }, "a create of a new key");
    if ((await this.#put(`${key}-missing`, { kind: "match", etag })) !== null) {
      throw this.#lie(
        "a conditional replace created a key that was not there: If-Match is ignored",
      );
    }
  }

  async #raceToCreate(key: string): Promise<void> {
    await this.#race(key, { kind: "absent" }, "creates of one key");
  }

  async #raceToReplace(key: string): Promise<void> {
    const etag = await this.#must(key, { kind: "absent" }, "a create of a new key");
    await this.#race(key, { kind: "match", etag }, "replaces of one etag");
  }

  /**
   * Deletes what was written. A credential that may not delete leaves these small objects, whose text
   * says what they are.
   */
  async #cleanUp(): Promise<void> {
    const { store } = this.#options;
    for (const key of [...this.#askedMs.keys()]) {
      try {
        await store.delete(key);
        this.#askedMs.delete(key);
      } catch (error) {
        if (error instanceof ScbError) return;
        throw error;
      }
    }
  }

  async #race(key: string, condition: PutCondition, what: string): Promise<void> {
    await this.#pause(key);
    const attempts = Array.from({ length: racers }, () => () => this.#tryPut(key, condition));
    const outcomes = await this.#queue.addAll(attempts);
    const winners = outcomes.filter((outcome) => outcome === "won").length;
    if (winners > 1) {
      throw this.#lie(`${winners} of ${racers} concurrent ${what} succeeded, but only one may`);
    }
    if (winners === 1) return;
    // A racer without a clear answer may have won, so an outage is no verdict on the store.
    const unclear = outcomes.find((outcome) => outcome instanceof ScbError);
    throw unclear ?? new NoVerdict(`none of ${racers} concurrent ${what} succeeded`);
  }

  async #checkReads(key: string, etag: string): Promise<void> {
    const { store, signal } = this.#options;
    const reads = [
      await store.get(key, { signal }),
      await store.get(key, { signal }),
      await store.head(key, { signal }),
    ];
    if (etag.startsWith("W/")) throw this.#lie(`its ETags are weak (${etag})`);
    for (const read of reads) {
      if (read === null) throw this.#lie("an object that was just written can't be read");
      if (read.etag !== etag) {
        throw this.#lie(`one object has two ETags (${etag} when written, ${read.etag} when read)`);
      }
    }
  }

  async #must(key: string, condition: PutCondition, what: string): Promise<string> {
    const etag = await this.#paced(key, condition);
    if (etag === null) throw new NoVerdict(`${what} was refused`);
    return etag;
  }

  /**
   * In a race, every answer but success is a loss or proves nothing; the latter is returned as the error.
   */
  async #tryPut(key: string, condition: PutCondition): Promise<"won" | "lost" | ScbError> {
    try {
      return (await this.#put(key, condition)) === null ? "lost" : "won";
    } catch (error) {
      if (hasCode(error, "store-busy", "store-unknown")) return error;
      throw error;
    }
  }

  async #paced(key: string, condition: PutCondition): Promise<string | null> {
    await this.#pause(key);
    return this.#put(key, condition);
  }

  /** Gives a store that said it is busy some time between two writes of a key. */
  async #pause(key: string): Promise<void> {
    const askedMs = this.#askedMs.get(key);
    if (this.#busy === undefined || askedMs === undefined || !this.#taken.has(key)) return;
    const { clock } = this.#options;
    await this.#wait(Math.max(0, askedMs + slowPaceMs - clock.monotonicMs()), this.#busy);
  }

  async #wait(ms: number, reason: Error): Promise<void> {
    const { clock, signal } = this.#options;
    try {
      await clock.sleep(ms, signal);
    } catch (cause) {
      throw new ScbError("aborted", `gave up: ${reason.message}`, { cause });
    }
  }

  /** The etag, or null if the condition did not hold. */
  async #put(key: string, condition: PutCondition): Promise<string | null> {
    try {
      return await this.#write(key, condition);
    } catch (error) {
      if (hasCode(error, "store-busy")) this.#busy = error;
      if (hasCode(error, "store-precondition", "store-missing")) {
        // This probe has written there, in a request whose answer was lost or that arrived twice. Every
        // further create of this key would be refused.
        if (condition.kind === "absent") this.#taken.add(key);
        return null;
      }
      if (hasCode(error, "store-rejected") && (await this.#takesUnconditional(error))) {
        throw this.#lie(`conditional writes are not accepted: ${error.message}`, error);
      }
      throw error;
    }
  }

  /** If the store takes the write without a condition, it refused the condition. */
  async #takesUnconditional(refusal: ScbError): Promise<boolean> {
    this.#keys += 1;
    try {
      await this.#write(`${this.#folder}${this.#keys}`, undefined);
      return true;
    } catch (error) {
      if (hasCode(error, "store-rejected")) return false;
      throw error instanceof ScbError ? refusal : error;
    }
  }

  /** Every body is unique, because equal bytes have equal etags. */
  async #write(key: string, condition: PutCondition | undefined): Promise<string> {
    const { store, clock, signal } = this.#options;
    this.#bodies += 1;
    const body = `scb-mirror probe of conditional writes, safe to delete: ${key} ${this.#bodies}\n`;
    try {
      const { etag } = await store.put(key, new TextEncoder().encode(body), {
        condition,
        contentType: "text/plain",
        signal,
      });
      this.#taken.add(key);
      return etag;
    } finally {
      this.#askedMs.set(key, clock.monotonicMs());
    }
  }

  #lie(seen: string, cause?: unknown): ScbError {
    const { store } = this.#options;
    return new ScbError(
      "store-lies",
      `${store.location} does not keep its promises: ${seen}. Two writers, or one lost answer, could destroy a good backup there. Choose a store that enforces conditional writes, or run exactly one scb-mirror with --single-writer`,
      { cause },
    );
  }
}
