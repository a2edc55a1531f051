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

/** Writers that race in each round; a store that checks and then acts loses only some rounds. */
const racers = 8;
const raceRounds = 5;
/** Tries at a step whose answers say nothing, before the store counts as unavailable. */
const triesPerStep = 5;
/** Some stores take one write a second on a key, and say that they are busy to faster ones. */
const slowPaceMs = 1_100;

/** The answer said nothing: the step is repeated on fresh keys. */
class NoVerdict extends Error {}

/** Probes that were broken off, with what they left in the store. */
const brokenOff = new WeakMap<ObjectStore, Probe>();

/**
 * Finds out whether the store enforces conditional writes. One that ignores them answers 200 and
 * loses data silently, so it has to be asked before anything rests on them.
 *
 * Resolves when every step came out right. Throws "store-lies", saying what was seen; or what the
 * store throws where it is unavailable or denies access: a probe that could not be made is no verdict.
 * What it wrote it deletes, where it may; the next one on the same `store` uses the same folder.
 * Source: the swap protocol, "Startup probe".
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
  /** When each key that may hold something was last asked for, by the clock's monotonic time. */
  readonly #askedMs = new Map<string, number>();
  /** Keys that are known to have held something. */
  readonly #taken = new Set<string>();
  /** Why it gives the store time between two writes of a key. */
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

  /** Runs one step on a fresh key, again where its answers said nothing. */
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
        // One such answer may be a request that was delivered twice; each time it is the store's way.
        if (senseless >= triesPerStep) {
          throw this.#lie(`gave no usable answer in ${triesPerStep} tries: ${error.message}`);
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

  /** A key for a step: the last one again, if nothing is known ever to have been there. */
  #freshKey(): string {
    const last = `${this.#folder}${this.#keys}`;
    if (this.#keys > 0 && !this.#taken.has(last)) return last;
    this.#keys += 1;
    return `${this.#folder}${this.#keys}`;
  }

  /** Create, create again, replace, replace with an etag that was current once, and read. */
  async #sequence(key: string): Promise<void> {
    const first = await this.#must(key, { kind: "absent" }, "a create of a new key");
    if ((await this.#paced(key, { kind: "absent" })) !== null) {
      throw this.#lie("a second create of the same key succeeded: If-None-Match is ignored");
    }
    const match = { kind: "match", etag: first } as const;
    const second = await this.#must(key, match, "a replace with the current etag");
    if (second === first) throw this.#lie("two different contents have the same etag");
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

  /** Deletes what was written. A credential that may not delete leaves it: small, named for what it is. */
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
      throw this.#lie(`${winners} of ${racers} concurrent ${what} succeeded, and one may`);
    }
    if (winners === 1) return;
    // Whoever got no clear answer may have won, so an outage is no verdict on the store.
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
    if (etag.startsWith("W/")) throw this.#lie(`its etags are weak (${etag})`);
    for (const read of reads) {
      if (read === null) throw this.#lie("an object that was just written is not there to read");
      if (read.etag !== etag) {
        throw this.#lie(`one object has two etags (${etag} when written, ${read.etag} when read)`);
      }
    }
  }

  async #must(key: string, condition: PutCondition, what: string): Promise<string> {
    const etag = await this.#paced(key, condition);
    if (etag === null) throw new NoVerdict(`${what} was refused`);
    return etag;
  }

  /** In a race any answer but success is a loss, or says nothing: then it is the error. */
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

  /** A store that has said that it is busy gets time between two writes of a key. */
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

  /** The etag, or null where the condition did not hold. */
  async #put(key: string, condition: PutCondition): Promise<string | null> {
    try {
      return await this.#write(key, condition);
    } catch (error) {
      if (hasCode(error, "store-busy")) this.#busy = error;
      if (hasCode(error, "store-precondition", "store-missing")) {
        // Somebody has written there: this probe, by a request whose answer was lost, or that came twice.
        // Another create of this key would be refused for ever.
        if (condition.kind === "absent") this.#taken.add(key);
        return null;
      }
      if (hasCode(error, "store-rejected") && (await this.#takesUnconditional(error))) {
        throw this.#lie(`conditional writes are not accepted: ${error.message}`, error);
      }
      throw error;
    }
  }

  /** What is refused only under a condition is a matter of conditions. */
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

  /** Every body is unique. */
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
      `${store.location} does not keep its promises: ${seen}. Two writers, or one lost answer, could destroy a good backup there; choose a store that enforces conditional writes, or run exactly one scb-mirror with --single-writer`,
      { cause },
    );
  }
}
