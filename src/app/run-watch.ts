import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import { isInconclusive } from "../checks/drill/drill-report.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { countedStore } from "../store/observed-store.ts";
import type { WatchedEvent, WatchedVersion } from "../watched/events.ts";
import type { DaemonEvent, StoreEvent } from "./daemon-event.ts";
import { NodeSurveyLoop } from "./node-survey-loop.ts";
import { isOfNode } from "./run-verdict.ts";
import { ownWriter } from "./store-mirror.ts";

export interface RunWatchOptions {
  /** Receives every event synchronously; it must not throw. */
  readonly tell: (event: WatchedEvent) => void;
  readonly clock: Clock;
  /** Ends the survey of the node. */
  readonly signal: AbortSignal;
}

/** Translates a run's events into those of a watched mirror. */
export class RunWatch {
  readonly #options: RunWatchOptions;
  #survey: NodeSurveyLoop | null = null;

  constructor(options: RunWatchOptions) {
    this.#options = options;
  }

  /** The same store, with its requests counted under this name. */
  counted(name: string, store: ObjectStore): ObjectStore {
    return countedStore(store, (operation, outcome) =>
      this.#options.tell({ kind: "requested", store: name, operation, outcome }),
    );
  }

  /** Asks the node for its channels from time to time, until the signal aborts. */
  surveyNode(source: SnapshotSource): void {
    const { tell, clock, signal } = this.#options;
    this.#survey = new NodeSurveyLoop(source, clock);
    void this.#survey.run(tell, signal);
  }

  lastDrill(store: string, { at, ok, verdict }: LastDrill): void {
    const drilledAt = Date.parse(at);
    this.#options.tell({ kind: "drilled", store, at: drilledAt, ok, verdict, isNew: false });
  }

  hear(event: DaemonEvent): void {
    for (const each of translated(event, this.#options.clock)) this.#options.tell(each);
    if (["swapped", "unchanged", "recovered"].includes(event.kind)) this.#survey?.hasten();
  }
}

function translated(event: DaemonEvent, clock: Clock): readonly WatchedEvent[] {
  switch (event.kind) {
    case "verdict": {
      const { verdict, findings, stores } = event;
      const ofEach = stores.map(({ store, verdict: own, findings: found }) => ({
        kind: "verdict" as const,
        store,
        verdict: own,
        findings: found.map((finding) => ({ ...finding, store })),
      }));
      return [...ofEach, { kind: "verdict", store: null, verdict, findings }];
    }
    case "waiting":
      return [{ kind: "waiting", ...event.wait }];
    case "stopped":
      return [{ kind: "stopped" }];
    case "retrying": {
      const { code, message } = event.error;
      const store = isOfNode(event.error) ? null : event.store;
      return [{ kind: "retrying", store, code, message }];
    }
    case "recovered": {
      // A store's mirror may have been waiting for the node.
      const ofNode = { kind: "recovered", store: null } as const;
      return event.store === null ? [ofNode] : [ofNode, { ...ofNode, store: event.store }];
    }
    default:
      return ofStore(event, event.store, clock);
  }
}

function ofStore(
  event: Exclude<StoreEvent, { kind: "retrying" | "recovered" }>,
  store: string,
  clock: Clock,
): readonly WatchedEvent[] {
  switch (event.kind) {
    case "started": {
      const { node, source, sequence } = event;
      return [{ kind: "started", node, source, store, sequence }];
    }
    case "swapped": {
      const { commit, covers, elapsedMs } = event;
      const { operation: _, ...version } = commit;
      const latest = { ...version, committedAt: clock.now(), writer: ownWriter };
      return [{ kind: "swapped", store, latest, covers, elapsedMs }];
    }
    case "unchanged": {
      const { held, covers, writer } = event;
      const latest: WatchedVersion | null = held && {
        sequence: held.sequence,
        key: held.key,
        sha256: held.sha256,
        sizeBytes: held.sizeBytes,
        committedAt: held.committedAt,
        writer: writer ?? "unknown (--single-writer)",
        channels: covers?.length ?? null,
      };
      return [{ kind: "unchanged", store, latest, covers }];
    }
    case "confirmed":
      return [{ kind: "confirmed", store }];
    case "refused": {
      const { code, message, quarantineKey } = event;
      return [{ kind: "refused", store, code, message, quarantineKey }];
    }
    case "failed": {
      const { code, message } = event.error;
      return [{ kind: "retrying", store, code, message }];
    }
    case "lost":
      return [{ kind: "lost", store, message: event.error.message }];
    case "levelled":
      return [];
    case "drilled": {
      // An inconclusive drill is repeated soon, and says nothing about the backup.
      if (isInconclusive(event.report)) return [];
      const { at, ok, verdict } = event.report;
      return [{ kind: "drilled", store, at: Date.parse(at), ok, verdict, isNew: true }];
    }
  }
}
