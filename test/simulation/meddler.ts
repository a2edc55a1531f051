import { latestKey, quarantineKeys } from "../../src/repository/layout.ts";
import { newOperationId } from "../../src/repository/operation-id.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import type { ErrorCode } from "../../src/runtime/error.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { decodePointer } from "./bucket-record.ts";
import type { Checks } from "./checks.ts";
import type { Meddling } from "./plan-item.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type Requester, type SimulatedBucket, somebody } from "./simulated-bucket.ts";
import { epochMs, simulatedClock } from "./simulated-clock.ts";

const twoYearsMs = 2 * 365 * 24 * 3_600_000;
const text = new TextEncoder();

/** Somebody with the bucket's credentials who tampers with it, and repairs some of that later. */
export class Meddler {
  readonly #bucket: SimulatedBucket;
  readonly #checks: Checks;
  readonly #nowMs: () => number;
  readonly #done = new Set<Meddling>();
  #taken: StoredObject | null = null;

  constructor(bucket: SimulatedBucket, checks: Checks, nowMs: () => number) {
    this.#bucket = bucket;
    this.#checks = checks;
    this.#nowMs = nowMs;
  }

  /** Whether the pointer is now missing or damaged: then a mirror that stopped stays down. */
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

  /** A folder without any commit has nothing to lose, so nothing is done to it. */
  do(deed: Exclude<Meddling, "other-node">): void {
    const pointer = this.#bucket.get(latestKey);
    if (pointer === null || this.#taken !== null || this.#checks.checker.commits < 2) return;
    this.#done.add(deed);
    switch (deed) {
      case "damage-upload":
        this.#bucket.damageNextVersion();
        break;
      case "delete-pointer":
        this.#take(pointer);
        this.#bucket.delete(latestKey, this.#self);
        break;
      case "damage-pointer":
        this.#take(pointer);
        this.#write(latestKey, {});
        break;
      case "delete-version":
        this.#bucket.delete(decodePointer(pointer.bytes).version.key, this.#self);
        break;
      case "overwrite-version":
        this.#overwrite(pointer, false);
        break;
      case "overwrite-version-and-hash":
        this.#overwrite(pointer, true);
        break;
      case "forge-drill":
        this.#drill(twoYearsMs, true);
        break;
      case "fail-drill":
        this.#checks.verdict.failedDrillKey = this.#drill(0, false);
        break;
      case "forge-refusal":
        this.#forgeRefusal(pointer);
        break;
    }
  }

  /** A copy of the folder, and the function that restores it. */
  copyLater() {
    let copy: readonly StoredObject[] = [];
    return {
      copy: (): void => {
        if (this.#taken === null) copy = this.#bucket.copy();
      },
      putBack: (what: "folder" | "pointer"): void => {
        const pointer = copy.find(({ key }) => key === latestKey);
        const isMoved = pointer?.etag !== this.#bucket.head(latestKey)?.etag;
        if (pointer === undefined || !isMoved || this.#taken !== null) return;
        if (what === "folder") this.#bucket.putFolderBack(copy, this.#self);
        else if (this.#bucket.get(decodePointer(pointer.bytes).version.key) !== null) {
          this.#bucket.putObjectBack(pointer, this.#self);
        }
      },
    };
  }

  mend(): void {
    if (this.#taken === null) return;
    this.#bucket.putBack(this.#taken, this.#self);
    this.#taken = null;
    this.#checks.checker.mended();
  }

  #take(pointer: StoredObject): void {
    this.#taken = pointer;
    this.#checks.checker.meddled();
  }

  /** Other bytes of the same size, which aren't a backup any more. */
  #overwrite(pointer: StoredObject, isHashAdjusted: boolean): void {
    const { version, ...rest } = decodePointer(pointer.bytes);
    const held = this.#bucket.get(version.key);
    if (held === null) return;
    const bytes = held.bytes.map((byte) => byte ^ 0xff);
    const sha256 = sha256Hex(bytes);
    const metadata = isHashAdjusted ? { ...held.metadata, "scb-sha256": sha256 } : held.metadata;
    this.#bucket.overwrite({ ...held, bytes, metadata }, this.#self);
    if (!isHashAdjusted) return;
    const adjusted = JSON.stringify({ ...rest, version: { ...version, sha256 } });
    this.#bucket.overwrite({ ...pointer, bytes: text.encode(adjusted) }, this.#self);
  }

  #drill(aheadMs: number, ok: boolean): string {
    const at = new Date(epochMs + Math.floor(this.#nowMs()) + aheadMs).toISOString();
    const verdict = ok ? "would-restore" : "would-not-restore";
    const record = { schema: 1, at, ok, verdict, version: null };
    const key = `drills/${this.#id(aheadMs)}.json`;
    this.#write(key, record);
    return key;
  }

  /** As if a guard had held back the backup that was to replace the current version. */
  #forgeRefusal(pointer: StoredObject): void {
    const { sequence } = decodePointer(pointer.bytes);
    const operation = this.#id(twoYearsMs);
    this.#write(quarantineKeys(operation).why, {
      schema: 1,
      operation,
      refusedAt: new Date(epochMs + twoYearsMs).toISOString(),
      code: "empty",
      message: "forged",
      sizeBytes: 45,
      sha256: "0".repeat(64),
      base: { sequence, key: "versions/forged", sha256: "0".repeat(64) },
    });
  }

  #write(key: string, value: unknown): void {
    const bytes = text.encode(JSON.stringify(value));
    this.#bucket.put(key, bytes, undefined, {}, this.#self);
  }

  #id(aheadMs: number): string {
    const nowMs = this.#nowMs();
    const clock = simulatedClock({
      wallMs: () => epochMs + Math.floor(nowMs) + aheadMs,
      monotonicMs: () => nowMs,
      after: () => undefined,
      deliver: () => undefined,
    });
    return newOperationId(clock, new SeededRandom(Math.floor(nowMs), "forged", aheadMs));
  }

  get #self(): Requester {
    return { name: somebody, sentAtMs: this.#nowMs(), wasLate: false };
  }
}
