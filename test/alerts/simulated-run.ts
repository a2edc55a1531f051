import type { Receiver } from "../../src/alerts/receivers/receiver.ts";
import { Watcher } from "../../src/alerts/watcher.ts";
import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import { RunVerdicts } from "../../src/app/run-verdicts.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { type ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";
import { node, storeName } from "./findings.ts";

const stepMs = 10_000;
const random = { bytes: (size: number) => new Uint8Array(size), unit: () => 0.5 };
const commit = { sequence: 1, key: "k", sha256: "", sizeBytes: 1, channels: 1, operation: "o" };

/** What a run tells of. */
export const swapped: DaemonEvent = {
  kind: "swapped",
  commit,
  covers: null,
  reason: "channel-event",
  attempts: 1,
  elapsedMs: 1,
  store: storeName,
};
export const readBack: DaemonEvent = { kind: "confirmed", depth: "version", store: storeName };
export const looked: DaemonEvent = { kind: "confirmed", depth: "pointer", store: storeName };
export const recovered: DaemonEvent = { kind: "recovered", attempts: 2, store: null };
export const refused: DaemonEvent = {
  kind: "refused",
  reason: "channel-event",
  error: new ScbError("refused", "it is empty"),
  code: "empty",
  message: "it is empty",
  quarantineKey: "quarantine/x.backup",
  store: storeName,
};

/** What begins with "node-" is the node's, all else the store's. */
export function retrying(code: ErrorCode): DaemonEvent {
  const store = code.startsWith("node-") ? null : storeName;
  const error = new ScbError(code, `it says ${code}`);
  const trouble = { kind: "retrying", error, attempt: 1, retryInMs: 9 } as const;
  return store === null ? { ...trouble, store } : { ...trouble, store };
}

/** A process that mirrors, as far as whoever watches it hears of it. Its clock is the world's. */
export class SimulatedRun {
  readonly #clock: ManualClock;
  readonly #verdicts: RunVerdicts;
  readonly #watcher: Watcher;
  /** Titles of what was sent, with the hour at which it was. */
  readonly sent: string[];
  uncovered: readonly string[] = [];

  constructor(clock: ManualClock, sent: string[]) {
    this.#clock = clock;
    this.sent = sent;
    this.#verdicts = new RunVerdicts({
      stores: [storeName],
      requirement: "all",
      lookIntervalMs: 5 * 60_000,
      clock,
      tell: () => undefined,
    });
    const run = this;
    this.#verdicts.attach(storeName, {
      missingAlso: [],
      get uncovered() {
        return run.uncovered;
      },
    });
    const receiver: Receiver = {
      name: "a person",
      async send({ title }) {
        const at = new Date(clock.now()).toISOString().slice(5, 16).replace("T", " ");
        sent.push(`${at} ${title}`);
        return "";
      },
    };
    this.#watcher = new Watcher({
      receivers: [receiver],
      heartbeat: null,
      heartbeatIntervalMs: 5 * 60_000,
      notifyAfterMs: 5 * 60_000,
      details: false,
      situation: () => this.#verdicts.situation(node),
      look: () => undefined,
      clock,
      random,
      logger: silentLogger,
    });
  }

  hear(...events: readonly DaemonEvent[]): void {
    for (const event of events) {
      this.#verdicts.hear(event);
      this.#watcher.hear();
    }
  }

  async stop(): Promise<void> {
    const closing = this.#watcher.close();
    await settled();
    await this.#clock.advance(0);
    await closing;
  }
}

/** Lets time pass in steps of ten seconds, and does at each what `act` does. */
export async function pass(
  clock: ManualClock,
  ms: number,
  act: (sinceMs: number) => void | Promise<void> = () => undefined,
): Promise<void> {
  for (let sinceMs = 0; sinceMs < ms; sinceMs += stepMs) {
    await act(sinceMs);
    await clock.advance(stepMs);
  }
}
