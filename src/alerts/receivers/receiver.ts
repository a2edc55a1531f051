import type { AlertKind } from "../alert-message.ts";

/** A message on its way: the same bytes however often it is sent. */
export interface Letter {
  /** Tells it from every other one, so that a receiver knows one that comes twice. */
  readonly id: string;
  readonly kind: AlertKind;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** One line. */
  readonly title: string;
  readonly body: string;
  /** All of it, for programs. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Whom messages are sent to. */
export interface Receiver {
  /** For people: holds no secret. */
  readonly name: string;
  /**
   * Sends it once. Resolves, with what was answered, when the receiver has taken it. Throws
   * "undelivered"; it may have arrived all the same.
   */
  send(letter: Letter, signal: AbortSignal): Promise<string>;
}
