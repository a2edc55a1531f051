import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * Everything that the program has to know about a kind of store before opening one. A new kind is a file
 * with one of these, and a line in `storeKinds`.
 */
export interface StoreKind<L extends { readonly kind: string }> {
  /** The `kind` of its locations. */
  readonly kind: L["kind"];
  /** The start of its locations: "s3:". */
  readonly scheme: string;
  /** For people: "s3://BUCKET[/PREFIX]". */
  readonly form: string;
  /** For people, the parameters after "?": "region=…&endpoint=…"; "" for none. */
  readonly parameters: string;
  /** Parses a location that starts with `scheme`. Throws "usage", and never repeats the text. */
  parse(text: string): L;
  /** Formats a location so that `parse` can parse it. */
  format(location: L): string;
  /** Makes the store, without sending it anything yet. Loads the libraries that only this kind needs. */
  open(location: L, options: Required<OpenStoreOptions>): Promise<ObjectStore>;
  /**
   * Adds to the location everything that the environment currently adds and that may be printed. Absent
   * if there is nothing.
   */
  complete?(location: L): Promise<L>;
  readonly access: StoreAccess;
  /** The least permissions that a mirror of the node `folder` needs, for people. */
  leastRights(location: L, folder: string): LeastRights;
  /** How a person without scb-mirror reads the store's folder `folder`. */
  stockTools(location: L, folder: string): StockTools;
}

/** An opened store's time limits, logger, clock and randomness. */
export interface OpenStoreOptions {
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  /** How long until an answer must begin; the whole answer may take three times that. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** How long making a connection may take. Default 5 s. Not used for folders. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The permissions that a mirror's credential needs, and nothing else. */
export interface LeastRights {
  /** What to do, in sentences. */
  readonly advice: readonly string[];
  /** A policy that the service takes verbatim, if it takes policies. */
  readonly policy: { readonly title: string; readonly text: string } | null;
}

/** What a person needs to read such stores with stock tools, for a printed page. */
export interface StoreAccess {
  /** A line to fill in: "The credential that reads the bucket is kept". */
  readonly kept: string;
  /** The same for several stores. */
  readonly severalKept: string;
  /** Where the tools expect the credential, as a sentence; null if there is none. */
  readonly credentials: string | null;
  /** What to do if several stores need different credentials, as a sentence. */
  readonly severalCredentials: string | null;
}

/** Lines for a POSIX shell, using common tools. Keys are relative to the folder. */
export interface StockTools {
  /** Assignments that the other lines use, so that long addresses are typed once. */
  readonly variables: readonly string[];
  show(key: string): string;
  copy(key: string, to: string): string;
  list(prefix: string): string;
  /** The same with curl, for people without the tool; null if the tool is everywhere. */
  readonly curl: Pick<StockTools, "variables" | "show" | "copy"> | null;
}
