import type { Fault } from "./fault.ts";

/** What a client was left with: a status, a part of an answer, a broken connection, or nothing. */
export type Told = number | "cut" | "reset" | "nothing";

/** One request of a client, from its arrival to what the client was told. */
export interface Exchange {
  /** From 0, in the order of arrival. */
  readonly number: number;
  readonly method: string;
  /** `/bucket/key`, decoded. */
  readonly path: string;
  readonly query: string;
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
  readonly body: LoggedBody;
  readonly fault: Fault;
  /** Each delivery of the request to the store, whole or in part. */
  readonly deliveries: readonly Delivery[];
  /** Null while it is under way. */
  readonly told: Told | null;
  /** When it came, by the monotonic clock of the process, in milliseconds. */
  readonly atMs: number;
}

/**
 * One delivery of a request to the store. `sentAt` and `answeredAt` count events of the
 * proxy, so that they can be compared: an answer at 7 was known before a request was sent at 8.
 */
export interface Delivery {
  readonly sentAt: number;
  /** Only a part of the body was sent, so the store cannot have taken it. */
  readonly isCut: boolean;
  /** Null if the store gave no whole answer (yet). */
  readonly answer: StoreAnswer | null;
}

export interface StoreAnswer {
  readonly answeredAt: number;
  readonly status: number;
  readonly etag: string | null;
  readonly body: LoggedBody;
}

export interface LoggedBody {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Null unless the proxy was asked to keep it. */
  readonly text: string | null;
}
