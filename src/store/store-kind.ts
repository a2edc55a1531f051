import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * A kind of store: all that the rest of the program has to know of it before it is opened. A new kind
 * is a file with one of these, and a line in `storeKinds`.
 */
export interface StoreKind<L extends { readonly kind: string }> {
  /** The `kind` of its locations. */
  readonly kind: L["kind"];
  /** What its locations begin with: "s3:". */
  readonly scheme: string;
  /** For people: "s3://BUCKET[/PREFIX]". */
  readonly form: string;
  /** For people, what may stand after "?": "region=…&endpoint=…"; "" for nothing. */
  readonly parameters: string;
  /** Reads what begins with `scheme`. Throws "usage", and never repeats the text. */
  parse(text: string): L;
  /** As `parse` reads it. */
  format(location: L): string;
  /**
   * Makes the store, without asking it anything yet. Libraries that only this kind needs are loaded
   * here, and nowhere else.
   */
  open(location: L, options: Required<OpenStoreOptions>): Promise<ObjectStore>;
  /**
   * The location with all that the environment adds to it now and that may be printed. Absent where
   * that is nothing.
   */
  complete?(location: L): Promise<L>;
  readonly access: StoreAccess;
  /** The least that a mirror of the node `folder` has to be allowed, for people. */
  leastRights(location: L, folder: string): LeastRights;
  /** How a person without scb-mirror reads the folder `folder` of the store. */
  stockTools(location: L, folder: string): StockTools;
}

/** How patient an opened store is, and with which clock. */
export interface OpenStoreOptions {
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  /** How long a request may take until its answer begins; all of it, three times that. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take to be made. Default 5 s. Not for a folder. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What the credential of a mirror has to be allowed, and nothing else. */
export interface LeastRights {
  /** What to do, in sentences. */
  readonly advice: readonly string[];
  /** What the service takes as it stands here, if it takes such a thing. */
  readonly policy: { readonly title: string; readonly text: string } | null;
}

/** What a person needs to read such stores with stock tools, for a page on paper. */
export interface StoreAccess {
  /** A line to fill in: "The credential that reads the bucket is kept". */
  readonly kept: string;
  /** The same of several stores. */
  readonly severalKept: string;
  /** Where the tools expect the credential, as a sentence; null where there is none. */
  readonly credentials: string | null;
  /** What to do if several stores need several, as a sentence. */
  readonly severalCredentials: string | null;
}

/** Lines for a POSIX shell, with tools that operators have. Keys are relative to the folder. */
export interface StockTools {
  /** Assignments that the other lines use: long addresses are typed once. */
  readonly variables: readonly string[];
  show(key: string): string;
  copy(key: string, to: string): string;
  list(prefix: string): string;
  /** The same with curl, for those who don't have the tool; null where the tool is everywhere. */
  readonly curl: Pick<StockTools, "variables" | "show" | "copy"> | null;
}
