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

/** The answer said nothing: the step is repeated on fresh keys. */
class NoVerdict extends Error {}

/**
 * Finds out whether the store enforces conditional writes. One that ignores them answers 200 and
 * loses data silently, so it has to be asked before anything rests on them.
 *
 * Resolves when every step came out right. Throws "store-lies", saying what was seen; or what the
 * store throws where it is unavailable or denies access. What it wrote it deletes, where it may.
 * Source: the swap protocol, "Startup probe".
 */
export async function probeStore(options: ProbeOptions): Promise<void> {
  const probe = new Probe(options);
  try {
    await probe.step((key) => probe.sequence(key));
    await probe.step((key) => probe.missing(key));
    for (let round = 0; round < raceRounds; round += 1) {
      await probe.step((key) => probe.raceToCreate(key));
      await probe.step((key) => probe.raceToReplace(key));
    }
  } finally {
    await probe.cleanUp();
  }
}

class Probe {
  readonly #options: ProbeOptions;
  readonly #folder: string;
  readonly #written = new Set<string>();
  readonly #queue = new PQueue({ concurrency: racers });
  #keys = 0;
  #bodies = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#folder = `${probePrefix}${newOperationId(options.clock, options.random)}/`;
  }

  /** Runs one step on a fresh key, again where its answers said nothing. */
  async step(run: (key: string) => Promise<void>): Promise<void> {
    const { clock, random, signal } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      this.#keys += 1;
      try {
        await run(`${this.#folder}${this.#keys}`);
        return;
      } catch (error) {
        const saysNothing =
          error instanceof NoVerdict || hasCode(error, "store-busy", "store-unknown");
        if (!saysNothing) throw error;
        if (attempt >= triesPerStep) {
          if (!(error instanceof NoVerdict)) throw error;
          throw this.#lie(`gave no usable answer in ${triesPerStep} tries: ${error.message}`);
        }
        try {
          await clock.sleep(backoffMs(attempt, random, storeBackoff), signal);
        } catch (cause) {
          throw new ScbError("aborted", `gave up: ${error.message}`, { cause });
        }
      }
    }
  }

  /** Create, create again, replace, replace with an etag that was current once, and read. */
  async sequence(key: string): Promise<void> {
    const first = await this.#must(key, { kind: "absent" }, "a create of a new key");
    if ((await this.#put(key, { kind: "absent" })) !== null) {
      throw this.#lie("a second create of the same key succeeded: If-None-Match is ignored");
    }
    const match = { kind: "match", etag: first } as const;
    const second = await this.#must(key, match, "a replace with the current etag");
    if (second === first) throw this.#lie("two different contents have the same etag");
    if ((await this.#put(key, match)) !== null) {
      throw this.#lie(
        "a replace with an etag that is no longer current succeeded: If-Match is ignored",
      );
    }
    await this.#checkReads(key, second);
  }

  async missing(key: string): Promise<void> {
    const etag = await this.#must(key, { kind: "absent" }, "a create of a new key");
    if ((await this.#put(`${key}-missing`, { kind: "match", etag })) !== null) {
      throw this.#lie(
        "a conditional replace created a key that was not there: If-Match is ignored",
      );
    }
  }

  async raceToCreate(key: string): Promise<void> {
    await this.#race(key, { kind: "absent" }, "creates of one key");
  }

  async raceToReplace(key: string): Promise<void> {
    const etag = await this.#must(key, { kind: "absent" }, "a create of a new key");
    await this.#race(key, { kind: "match", etag }, "replaces of one etag");
  }

  /** Deletes what was written. A credential that may not delete leaves it: small, named for what it is. */
  async cleanUp(): Promise<void> {
    const { store } = this.#options;
    for (const key of this.#written) {
      try {
        await store.delete(key);
      } catch (error) {
        if (error instanceof ScbError) return;
        throw error;
      }
    }
  }

  async #race(key: string, condition: PutCondition, what: string): Promise<void> {
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
    const etag = await this.#put(key, condition);
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

  /** The etag, or null where the condition did not hold. Every body is unique. */
  async #put(key: string, condition: PutCondition): Promise<string | null> {
    const { store, signal } = this.#options;
    this.#bodies += 1;
    this.#written.add(key);
    const body = `scb-mirror probe of conditional writes, safe to delete: ${key} ${this.#bodies}\n`;
    try {
      const { etag } = await store.put(key, new TextEncoder().encode(body), {
        condition,
        contentType: "text/plain",
        signal,
      });
      return etag;
    } catch (error) {
      if (hasCode(error, "store-precondition", "store-missing")) return null;
      if (hasCode(error, "store-rejected")) {
        throw this.#lie(`conditional writes are not accepted: ${error.message}`, error);
      }
      throw error;
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
