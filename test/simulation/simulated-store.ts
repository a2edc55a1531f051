import { throwIfAborted } from "../../src/runtime/abort.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type {
  ListedObject,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  RequestOptions,
  StoredObject,
} from "../../src/store/object-store.ts";
import { type Fate, requestTimeoutMs, type Silence } from "./fate.ts";
import type { Requester, SimulatedBucket } from "./simulated-bucket.ts";

export interface SimulatedRequest {
  readonly verb: "get" | "head" | "put" | "list" | "delete";
  readonly key: string;
}

/** One request's path, decided when it is sent. */
export interface Journey {
  readonly fate: Fate;
  readonly outMs: number;
  readonly backMs: number;
}

/** What lies between a client and the bucket. */
export interface Network {
  send(request: SimulatedRequest): Journey;
  readonly nowMs: () => number;
  after(delayMs: number, act: () => void): void;
  /** Hands an answer to the client: later if it is frozen, never if it has died. */
  deliver(what: string, answer: () => void): void;
  /** The client is about to go on with this answer. */
  heard?(heard: Heard): void;
  trace(text: () => string): void;
}

/** An answer that has reached its client. */
export interface Heard extends SimulatedRequest {
  readonly sentAtMs: number;
  /** What was read; null for nothing. */
  readonly object: StoredObject | null;
  /** What was sent; null for nothing. */
  readonly sent: Uint8Array | null;
}

/** One process's connection to the bucket. A request is sent once, and never waits for ever. */
export class SimulatedStore implements ObjectStore {
  readonly location: string;
  readonly conditions = "enforced";
  readonly #bucket: SimulatedBucket;
  readonly #network: Network;
  readonly #client: string;

  constructor(bucket: SimulatedBucket, network: Network, client: string) {
    this.location = bucket.location;
    this.#bucket = bucket;
    this.#network = network;
    this.#client = client;
  }

  async get(key: string, options: RequestOptions = {}): Promise<StoredObject | null> {
    const sentAtMs = this.#network.nowMs();
    const act = (by: Requester): StoredObject | null => this.#bucket.get(key, by);
    const object = await this.#request({ verb: "get", key }, act, options);
    this.#network.heard?.({ verb: "get", key, sentAtMs, object, sent: null });
    return object;
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    return this.#request({ verb: "head", key }, () => this.#bucket.head(key), options);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const sentAtMs = this.#network.nowMs();
    const content = bytes.slice();
    const metadata = { ...options.metadata };
    const act = (by: Requester): { etag: string } =>
      this.#bucket.put(key, content, options.condition, metadata, by);
    const answer = await this.#request({ verb: "put", key }, act, options);
    this.#network.heard?.({ verb: "put", key, sentAtMs, object: null, sent: content });
    return answer;
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    let startAfter = options.startAfter ?? "";
    for (;;) {
      const after = startAfter;
      const act = (): readonly ListedObject[] => this.#bucket.page(prefix, after);
      const page = await this.#request({ verb: "list", key: prefix }, act, options);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < this.#bucket.flavour.pageSize) return;
      startAfter = last.key;
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncGenerator<string> {
    const seen = new Set<string>();
    for await (const { key } of this.list(prefix, options)) {
      const [folder = "", ...below] = key.slice(prefix.length).split("/");
      if (below.length === 0 || seen.has(folder)) continue;
      seen.add(folder);
      yield folder;
    }
  }

  delete(key: string, options: RequestOptions = {}): Promise<void> {
    return this.#request({ verb: "delete", key }, (by) => this.#bucket.delete(key, by), options);
  }

  async close(): Promise<void> {}

  async #request<T>(
    request: SimulatedRequest,
    act: (by: Requester) => T,
    { signal }: RequestOptions,
  ): Promise<T> {
    throwIfAborted(signal);
    const network = this.#network;
    const { fate, outMs, backMs } = network.send(request);
    const sentAtMs = network.nowMs();
    const name = `${request.verb} ${request.key}`;
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      const end = (conclude: () => void): void => {
        if (isOver) return;
        isOver = true;
        signal?.removeEventListener("abort", onAbort);
        conclude();
      };
      const onAbort = (): void =>
        end(() => reject(new ScbError("aborted", `stopped before it was done: ${name}`)));
      signal?.addEventListener("abort", onAbort);

      const answer = (conclude: () => void, what: string, afterMs: number): void =>
        network.after(afterMs, () => {
          if (!isOver) network.deliver(`${name}: ${what}`, () => end(conclude));
        });
      const fail = (
        code: "store-busy" | "store-unknown" | "store-denied",
        what: string,
        afterMs: number,
      ): void =>
        answer(() => reject(new ScbError(code, `simulated: ${name}: ${what}`)), what, afterMs);
      const fallSilent = (silence: Silence): void =>
        fail("store-unknown", silence, silence === "timeout" ? requestTimeoutMs : outMs + backMs);
      const arrive = (afterMs: number, isAnswered: boolean): void =>
        network.after(afterMs, () => {
          let conclude: () => void;
          let what = "done";
          try {
            const wasLate = isOver || fate.kind === "late";
            const result = act({ name: this.#client, sentAtMs, wasLate });
            conclude = () => resolve(result);
          } catch (error) {
            conclude = () => reject(error);
            what = error instanceof ScbError ? error.code : String(error);
          }
          network.trace(() => `bucket  ${name} for ${this.#client}: ${what}`);
          if (isAnswered) answer(conclude, what, backMs);
        });

      switch (fate.kind) {
        case "fine":
          arrive(outMs, true);
          break;
        case "lost":
          fallSilent(fate.silence);
          break;
        case "answer-lost":
          arrive(outMs, false);
          fallSilent(fate.silence);
          break;
        case "late":
          fallSilent(fate.silence);
          arrive(outMs + fate.byMs, false);
          break;
        case "turned-away":
          fail("store-busy", "busy", outMs + backMs);
          break;
        case "denied":
          fail("store-denied", "denied", outMs + backMs);
          break;
        case "busy-though-done":
          arrive(outMs, false);
          fail("store-busy", "busy", outMs + backMs);
          break;
        case "broken":
          if (fate.isDone) arrive(outMs, false);
          fail("store-unknown", "broken", outMs + backMs);
          break;
        case "doubled":
          arrive(outMs, fate.answer === "first");
          arrive(outMs + fate.byMs, fate.answer === "second");
          break;
      }
      // Nothing waits longer than that, whatever the answer does.
      if (fate.kind === "fine" || fate.kind === "doubled") {
        if (outMs + backMs >= requestTimeoutMs || fate.kind === "doubled") {
          fail("store-unknown", "timeout", requestTimeoutMs);
        }
      }
    });
  }
}
