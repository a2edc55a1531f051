import { latestKey } from "../../src/repository/layout.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { AlarmCheck } from "./alarm-check.ts";
import { Checker } from "./checker.ts";
import { ClaimCheck } from "./claim-check.ts";
import { LimboCheck } from "./limbo-check.ts";
import type { Known } from "./mirror-process.ts";
import { type BucketWatcher, type Requester, somebody } from "./simulated-bucket.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { Heard } from "./simulated-store.ts";
import { VerdictCheck } from "./verdict-check.ts";

export interface ChecksOptions {
  readonly node: SimulatedNode;
  readonly nowMs: () => number;
  readonly hasPointer: boolean;
  /** Whether this process learns from its node which channels are open, closed and in limbo. */
  readonly asksNode: (name: string) => boolean;
  /** Whether it compares a backup with the one that it is to replace. */
  readonly compares: (name: string) => boolean;
  readonly isPackMode: boolean;
  readonly isAlive: (name: string) => boolean;
  /** Of all mirrors, all the time. */
  readonly clocksAreRight: boolean;
}

/** A mirror's reports in each mode, as far as the checks use them. */
export type ToldEvent = Parameters<Checker["wasTold"]>[0];

/** All checks of a schedule, in a fixed order: the bucket's content is recorded first. */
export class Checks implements BucketWatcher {
  readonly checker: Checker;
  readonly claims: ClaimCheck;
  readonly alarm: AlarmCheck;
  readonly limbo: LimboCheck;
  readonly verdict: VerdictCheck;

  constructor(options: ChecksOptions) {
    const { node, nowMs, hasPointer, asksNode, compares, isPackMode, isAlive, clocksAreRight } =
      options;
    const isClosed = (channel: number): boolean => node.closedChannels.includes(channel);
    this.checker = new Checker({ nowMs, hasPointer, isClosed, compares, isPackMode, isAlive });
    const { record, fail } = this.checker;
    this.claims = new ClaimCheck({ hasPointer, nowMs, isClosed, fail });
    this.alarm = new AlarmCheck(fail);
    this.limbo = new LimboCheck({ record, node, fail, asksNode });
    const savedAtMs = (): number => this.checker.current?.atMs ?? -Infinity;
    this.verdict = new VerdictCheck({ record, node, nowMs, savedAtMs, clocksAreRight, fail });
  }

  wasRead(key: string, by: Requester): void {
    this.checker.wasRead(key, by);
  }

  wasPut(object: StoredObject, by: Requester): void {
    const { record } = this.checker;
    const before = record.pointer;
    this.checker.wasPut(object, by);
    if (object.key === latestKey && record.pointer !== null && record.pointer !== before) {
      if (by.name === somebody) this.alarm.wentBack(record.pointer);
      else {
        this.alarm.committed(record.pointer);
        this.limbo.moved(record.pointer, before, by);
      }
    }
    this.verdict.wasPut(object);
  }

  wasDeleted(key: string, by: Requester): void {
    this.checker.wasDeleted(key, by);
    this.verdict.changed();
  }

  /** An answer of the store reaches a process. */
  heard(heard: Heard, by: string): void {
    this.claims.heard(heard, by);
    this.alarm.heard(heard, by);
  }

  wasTold(event: ToldEvent, by: string): void {
    this.checker.wasTold(event, by);
    this.claims.wasTold(event, by);
    this.alarm.wasTold(event, by);
  }

  /** A clean stop, by a process that knew of this. */
  stoppedCleanly(by: string, known: Known, isCutShort: boolean): void {
    this.checker.stoppedCleanly(by, known);
    this.claims.stoppedCleanly(by, known, isCutShort);
  }
}
