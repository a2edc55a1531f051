import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { listedMs, mostIdlePages, mostListed } from "./object-store.ts";

/** One page of a service's listing. */
export interface ListingPage {
  /** The whole names of objects, in the order received. */
  readonly names: readonly string[];
  /** How many folders the page contains. */
  readonly folderCount: number;
  /** The token for the next page; null after the last. */
  readonly next: string | null;
}

export interface ListingOptions<Page extends ListingPage> {
  /** For people: "list a/b in s3://bucket". */
  readonly doing: string;
  /** The required start of each name. */
  readonly wanted: string;
  /** How long the listing may take without progress. */
  readonly limitMs: number;
  readonly clock: Clock;
  fetch(token: string | undefined): Promise<Page>;
  /** The error for pages that no such service sends. `why` completes "cannot list". */
  refuse(why: string): ScbError;
}

/**
 * The pages of a listing. Progress extends the time limit; a listing that makes no progress would never
 * end, so that is an error.
 */
export async function* listingPages<Page extends ListingPage>(
  options: ListingOptions<Page>,
): AsyncGenerator<Page> {
  const { doing, wanted, clock, fetch, refuse } = options;
  let token: string | undefined;
  let last = "";
  let names = 0;
  let idlePages = 0;
  let leftMs = options.limitMs;
  for (;;) {
    const startedMs = clock.monotonicMs();
    const page = await fetch(token);
    for (const name of page.names) {
      if (!name.startsWith(wanted)) throw refuse("(it names what lies elsewhere)");
      if (name <= last) throw refuse("(its keys are out of order)");
      last = name;
    }
    const gained = page.names.length + page.folderCount;
    names += gained;
    idlePages = gained === 0 ? idlePages + 1 : 0;
    leftMs += gained * listedMs - (clock.monotonicMs() - startedMs);
    yield page;
    if (page.next === null) return;
    if (page.next === token) throw refuse("to its end");
    if (names > mostListed || leftMs <= 0 || idlePages > mostIdlePages) {
      throw new ScbError("store-unknown", `cannot ${doing}: it hadn't ended after ${names} names`);
    }
    token = page.next;
  }
}
