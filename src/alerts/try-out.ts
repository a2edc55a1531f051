import { hostname } from "node:os";
import { newOperationId } from "../repository/operation-id.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { letterOf, testMessage } from "./letter.ts";
import { sendMs } from "./outbox.ts";
import { HeartbeatService } from "./receivers/heartbeat-service.ts";
import type { Receiver } from "./receivers/receiver.ts";

export interface TryOutOptions {
  readonly receivers: readonly Receiver[];
  readonly heartbeat: URL | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The outcome of one test message. */
export interface TriedOut {
  /** The receiver, for people: holds no secret. */
  readonly to: string;
  readonly ok: boolean;
  /** The answer, or why the message didn't arrive. */
  readonly message: string;
}

/** Sends one test message to each receiver, all at the same time. Throws only "aborted". */
export async function tryOut(options: TryOutOptions): Promise<readonly TriedOut[]> {
  const { receivers, heartbeat, clock, random, signal } = options;
  const id = newOperationId(clock, random);
  const letter = letterOf(testMessage(clock.now()), { id, details: false, host: hostname() });
  const late = (): ScbError => new ScbError("undelivered", `no answer in ${sendMs / 1000} s`);
  const tried = async (
    to: string,
    send: (signal: AbortSignal) => Promise<string>,
  ): Promise<TriedOut> => {
    try {
      const bound = { clock, ms: sendMs, signal, late };
      const message = await withinDeadline(bound, (within) => send(within.signal));
      return { to, ok: true, message: message === "" ? "accepted" : message };
    } catch (error) {
      if (hasCode(error, "aborted")) throw error;
      return { to, ok: false, message: ScbError.from(error).message };
    }
  };
  const sendings = receivers.map((it) => tried(it.name, (within) => it.send(letter, within)));
  if (heartbeat !== null) {
    const service = new HeartbeatService(heartbeat);
    sendings.push(tried(service.name, (within) => service.log(letter.body, within)));
  }
  return Promise.all(sendings);
}
