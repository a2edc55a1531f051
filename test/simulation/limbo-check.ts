import type { BucketRecord, SeenPointer } from "./bucket-record.ts";
import type { Fail } from "./invariants.ts";
import { channelPoint, readBackup } from "./simulated-backup.ts";
import type { Requester } from "./simulated-bucket.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Whether the pointer names what a restore needs for funds in limbo, and for how long. */
export class LimboCheck {
  readonly #record: BucketRecord;
  readonly #node: SimulatedNode;
  readonly #fail: Fail;
  readonly #asksNode: (name: string) => boolean;

  constructor(options: {
    readonly record: BucketRecord;
    readonly node: SimulatedNode;
    readonly fail: Fail;
    /** Whether this process learns from its node what is in limbo. */
    readonly asksNode: (name: string) => boolean;
  }) {
    this.#record = options.record;
    this.#node = options.node;
    this.#fail = options.fail;
    this.#asksNode = options.asksNode;
  }

  /** A mirror has moved the pointer from `before`. */
  moved(pointer: SeenPointer, before: SeenPointer | null, by: Requester): void {
    const { key } = pointer.version;
    if (!this.#asksNode(by.name)) {
      this.#checkCarried(pointer, before, by);
      return;
    }
    const bytes = this.#record.objects.get(key)?.object.bytes;
    const backup = bytes === undefined ? null : readBackup(bytes);
    const packing = backup && this.#node.packing(backup.nonce);
    if (packing === null) return;
    const { limbo, atMs } = packing;
    for (const channel of limbo) {
      if (this.#isCovered(channel, pointer, before, atMs)) continue;
      const holders = this.#holders(channel).filter(
        (holder) => (this.#record.objects.get(holder)?.sinceMs ?? Infinity) < atMs,
      );
      if (holders.length === 0) continue;
      this.#fail(
        "limbo",
        `${by.name} made ${key} current, and nothing that the pointer names holds channel ${channel}, whose funds are in limbo, though ${holders[0]} does`,
      );
    }
  }

  /** Long after the last fault: the pointer names what can be found, and nothing else. */
  settled(): void {
    const { pointer, restorable } = this.#record;
    if (pointer === null) return;
    for (const channel of this.#node.limbo) {
      const [holder] = this.#holders(channel);
      if (holder === undefined || restorable.has(channel)) continue;
      this.#fail("limbo", `channel ${channel} is in limbo, ${holder} holds it, and isn't named`);
    }
    const inLimbo = new Set(this.#node.limbo.map(channelPoint));
    for (const { key, channelPoints } of pointer.alsoRestore ?? []) {
      if (channelPoints.every((point) => inLimbo.has(point))) continue;
      this.#fail("limbo", `${key} is still named for a channel whose funds are home`);
    }
  }

  /**
   * By what is current, or by what is named besides and was there when the node was asked. What was named
   * before, and is gone since, is found by the next look: see `settled`.
   */
  #isCovered(
    channel: number,
    { version, alsoRestore = [] }: SeenPointer,
    before: SeenPointer | null,
    askedAtMs: number,
  ): boolean {
    const { tampered, prunedAtMs, sent } = this.#record;
    const point = channelPoint(channel);
    if (sent.get(version.key)?.backup?.channels.includes(channel) === true) return true;
    return alsoRestore.some(({ key, channelPoints }) => {
      if (!channelPoints.includes(point)) return false;
      const wasNamed = before?.alsoRestore?.some((named) => named.key === key) === true;
      const isPruned = (prunedAtMs.get(key) ?? -1) >= (wasNamed ? 0 : askedAtMs);
      const isExcused = tampered.has(key) || isPruned;
      return isExcused || this.#record.whole(key)?.channels.includes(channel) === true;
    });
  }

  /** A mirror that can't ask keeps everything that was named. */
  #checkCarried(pointer: SeenPointer, before: SeenPointer | null, by: Requester): void {
    const named = new Set(pointer.alsoRestore?.map(({ key }) => key));
    const dropped = before?.alsoRestore?.find(({ key }) => !named.has(key));
    if (dropped === undefined) return;
    this.#fail(
      "limbo",
      `${by.name} can't know what is in limbo, and no longer names ${dropped.key}`,
    );
  }

  #holders(channel: number): readonly string[] {
    return [...this.#record.objects.keys()].filter(
      (key) => this.#record.whole(key)?.channels.includes(channel) === true,
    );
  }
}
