import { ScbError } from "../../src/runtime/error.ts";
import type { Conditions, ObjectStore } from "../../src/store/object-store.ts";

export interface StoreCall {
  readonly verb: "get" | "head" | "put" | "list" | "listFolders" | "delete";
  readonly key: string;
}

/** A failure to inject before the store acts, or after it, as if the answer were lost. */
export interface Fault {
  readonly on: (call: StoreCall) => boolean;
  readonly when: "before" | "after";
  readonly error: ScbError;
  /** How many calls it strikes. */
  times: number;
}

/** Wraps a store, records each call, and fails on demand. */
export class FaultyStore implements ObjectStore {
  readonly location: string;
  readonly conditions: Conditions;
  readonly calls: StoreCall[] = [];
  readonly faults: Fault[] = [];
  /** Runs before a call is passed on, so that another writer can get in between. */
  before: (call: StoreCall) => Promise<void> | void = () => undefined;
  readonly #inner: ObjectStore;

  constructor(inner: ObjectStore, location = inner.location) {
    this.#inner = inner;
    this.location = location;
    this.conditions = inner.conditions;
  }

  fail(
    verb: StoreCall["verb"],
    key: RegExp,
    code: ScbError["code"],
    { when = "before", times = 1 }: { when?: Fault["when"]; times?: number } = {},
  ): void {
    this.faults.push({
      on: (call) => call.verb === verb && key.test(call.key),
      when,
      error: new ScbError(code, `injected ${code} on ${verb} ${key}`),
      times,
    });
  }

  get: ObjectStore["get"] = (key, options) =>
    this.#call({ verb: "get", key }, () => this.#inner.get(key, options));
  head: ObjectStore["head"] = (key, options) =>
    this.#call({ verb: "head", key }, () => this.#inner.head(key, options));
  put: ObjectStore["put"] = (key, bytes, options) =>
    this.#call({ verb: "put", key }, () => this.#inner.put(key, bytes, options));
  delete: ObjectStore["delete"] = (key, options) =>
    this.#call({ verb: "delete", key }, () => this.#inner.delete(key, options));

  async *list(
    ...args: Parameters<ObjectStore["list"]>
  ): ReturnType<ObjectStore["list"]> & AsyncGenerator {
    await this.#call({ verb: "list", key: args[0] }, () => Promise.resolve());
    yield* this.#inner.list(...args);
  }

  async *listFolders(
    ...args: Parameters<ObjectStore["listFolders"]>
  ): ReturnType<ObjectStore["listFolders"]> & AsyncGenerator {
    await this.#call({ verb: "listFolders", key: args[0] }, () => Promise.resolve());
    yield* this.#inner.listFolders(...args);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #call<T>(call: StoreCall, run: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    await this.before(call);
    const fault = this.faults.find((candidate) => candidate.times > 0 && candidate.on(call));
    if (fault !== undefined) fault.times -= 1;
    if (fault?.when === "before") throw fault.error;
    const result = await run();
    if (fault?.when === "after") throw fault.error;
    return result;
  }
}
