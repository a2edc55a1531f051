import type { AlertKind } from "../alert-message.ts";

/** A message on its way: the same bytes however often it is sent. */
export interface Letter {
  /** Unique, so that a receiver can recognise a duplicate. */
  readonly id: string;
  readonly kind: AlertKind;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** One line. */
  readonly title: string;
  readonly body: string;
  /** The whole message, for programs. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Something that messages are sent to. */
export interface Receiver {
  /** For people: holds no secret. */
  readonly name: string;
  /**
   * Sends it once. Resolves to the answer when the receiver has accepted it. Throws "undelivered", though it
   * may have arrived.
   */
  send(letter: Letter, signal: AbortSignal): Promise<string>;
}
