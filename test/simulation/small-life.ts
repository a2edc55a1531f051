import type { Clock } from "../../src/runtime/clock.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import type { Requester, SimulatedBucket } from "./simulated-bucket.ts";
import { epochMs } from "./simulated-clock.ts";

/** Something that waits to happen. */
export interface Step {
  readonly writer: number;
  readonly happen: () => void;
  /** Tells the writer that no answer comes; a write may still arrive. Null where there is none. */
  lose: (() => void) | null;
  /** A write goes on when its writer has given it up, or has died. */
  readonly isWrite: boolean;
}

/** One life of a writer: how it waits for something, and how it hears of it. */
export interface Life {
  readonly writer: number;
  readonly name: string;
  wait(what: string, isWrite: boolean, happen: () => void): Step;
  hear(what: string, conclude: () => void): void;
}

/** Shows no time; a sleep lasts until it is chosen to end. */
export function clockOf({ wait, hear }: Life): Clock {
  return {
    now: () => epochMs,
    monotonicMs: () => 0,
    sleep: () =>
      new Promise((resolve) => {
        wait("sleep", false, () => hear("slept", resolve));
      }),
  };
}

/** The bucket, as this life sees it: each request is a step that happens, or is lost, when it is chosen. */
export function storeOf({ name, wait, hear }: Life, bucket: SimulatedBucket): ObjectStore {
  const by: Requester = { name, sentAtMs: 0, wasLate: false };
  function request<T>(what: string, act: () => T, tell: (result: T) => string): Promise<T> {
    const isWrite = what.startsWith("put ") || what.startsWith("delete ");
    return new Promise((resolve, reject) => {
      let isTold = false;
      const answer = (how: string, conclude: () => void): void => {
        if (isTold) return;
        isTold = true;
        hear(`${what}: ${how}`, conclude);
      };
      const step = wait(what, isWrite, () => {
        try {
          const result = act();
          answer(tell(result), () => resolve(result));
        } catch (error) {
          answer(hasCode(error, "store-precondition") ? "412" : "404", () => reject(error));
        }
      });
      step.lose = () =>
        answer("silence", () => reject(new ScbError("store-unknown", `simulated: ${what}`)));
    });
  }
  return {
    location: bucket.location,
    conditions: "enforced",
    get: (key) =>
      request(
        `get ${key}`,
        () => bucket.get(key),
        (it) => it?.etag ?? "none",
      ),
    head: (key) =>
      request(
        `head ${key}`,
        () => bucket.head(key),
        (it) => it?.etag ?? "none",
      ),
    put: (key, bytes, { condition, metadata = {} } = {}) =>
      request(
        `put ${key} ${sha256Hex(bytes)}`,
        () => bucket.put(key, bytes, condition, metadata, by),
        ({ etag }) => etag,
      ),
    async *list(prefix, { startAfter = "" } = {}) {
      yield* await request(
        `list ${prefix} ${startAfter}`,
        () => bucket.page(prefix, startAfter),
        (page) => page.map(({ key }) => key).join(),
      );
    },
    async *listFolders() {},
    delete: (key) => request(`delete ${key}`, () => bucket.delete(key, by), String),
    close: async () => undefined,
  };
}
