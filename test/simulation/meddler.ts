import { latestKey } from "../../src/repository/layout.ts";
import type { ErrorCode } from "../../src/runtime/error.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import type { Checker } from "./checker.ts";
import type { Meddling } from "./plan.ts";
import type { Requester, SimulatedBucket } from "./simulated-bucket.ts";

/** Somebody with the bucket's credentials who does what nobody should, and mends it later. */
export class Meddler {
  readonly #bucket: SimulatedBucket;
  readonly #checker: Checker;
  readonly #nowMs: () => number;
  readonly #done = new Set<Meddling>();
  #taken: StoredObject | null = null;

  constructor(bucket: SimulatedBucket, checker: Checker, nowMs: () => number) {
    this.#bucket = bucket;
    this.#checker = checker;
    this.#nowMs = nowMs;
  }

  /** Whether the pointer is taken away or damaged now: then a mirror that stopped stays down. */
  get isPointerGone(): boolean {
    return this.#taken !== null;
  }

  /** Whether a mirror may stop with `code`. */
  explains(code: ErrorCode): boolean {
    switch (code) {
      case "pointer-lost":
        return this.#done.has("delete-pointer");
      case "pointer-damaged":
        return this.#done.has("damage-pointer");
      case "version-damaged":
        return this.#done.has("damage-upload");
      default:
        return false;
    }
  }

  /** A folder in which nothing was ever committed can lose nothing: then nothing is done. */
  do(deed: Exclude<Meddling, "other-node">): void {
    const pointer = this.#bucket.get(latestKey);
    if (pointer === null || this.#checker.commits < 2) return;
    this.#done.add(deed);
    if (deed === "damage-upload") {
      this.#bucket.damageNextVersion();
      return;
    }
    this.#taken = pointer;
    this.#checker.meddled();
    if (deed === "delete-pointer") this.#bucket.delete(latestKey, this.#self);
    else this.#bucket.put(latestKey, new TextEncoder().encode("{}"), undefined, {}, this.#self);
  }

  mend(): void {
    if (this.#taken === null) return;
    this.#bucket.putBack(this.#taken, this.#self);
    this.#taken = null;
    this.#checker.mended();
  }

  get #self(): Requester {
    return { name: "somebody", sentAtMs: this.#nowMs(), wasLate: false };
  }
}
