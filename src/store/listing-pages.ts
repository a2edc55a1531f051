import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { listedMs, mostIdlePages, mostListed } from "./object-store.ts";

/** A page of a listing, as a service gives it: names are whole. */
export interface ListingPage {
  /** In the order in which they came. */
  readonly objects: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly modifiedAt: number;
  }[];
  /** Each with its slash. */
  readonly folders: readonly string[];
  /** What the service says that it lists, if it says so. */
  readonly prefix?: string;
  /** What the next page is asked for with; null after the last. */
  readonly next: string | null;
}

export interface ListingOptions {
  /** For people: "list a/b in s3://bucket". */
  readonly doing: string;
  /** The required start of each name. */
  readonly wanted: string;
  /** How long the listing may take without progress. */
  readonly limitMs: number;
  readonly clock: Clock;
  fetch(token: string | undefined): Promise<ListingPage>;
  /** The error for pages that no such service sends. `why` completes "cannot list". */
  refuse(why: string): ScbError;
}

/**
 * The pages of a listing. What they bring is counted, and buys time for more: a listing that doesn't
 * get on would never end, so that is an error. So is another's answer: that nothing lies there would be
 * a lie.
 */
export async function* listingPages(options: ListingOptions): AsyncGenerator<ListingPage> {
  const { doing, wanted, clock, fetch, refuse } = options;
  let token: string | undefined;
  let last = "";
  let names = 0;
  let idlePages = 0;
  let leftMs = options.limitMs;
  for (;;) {
    const startedMs = clock.monotonicMs();
    const page = await fetch(token);
    if ((page.prefix ?? wanted) !== wanted) throw refuse("(it lists something else)");
    for (const { name } of page.objects) {
      if (!name.startsWith(wanted)) throw refuse("(it names what lies elsewhere)");
      if (name <= last) throw refuse("(its keys are out of order)");
      last = name;
    }
    if (!page.folders.every((folder) => folder.startsWith(wanted))) {
      throw refuse("(it names what lies elsewhere)");
    }
    const gained = page.objects.length + page.folders.length;
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
