import assert from "node:assert/strict";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { SubSwapper } from "../../src/chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../../src/chanbackup/sub-swapper-events.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { formatOutPoint, type OutPoint } from "../../src/wire/out-point.ts";
import { channel, HandNotifier, ManualClock, MemorySwapper, settled } from "./sub-swapper-fakes.ts";

export const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(1), systemRandom);
export const refreshIntervalMs = 60_000;

export const single = (number: number): Single => newSingle(channel(number));
export const outPoint = (number: number): OutPoint => channel(number).fundingOutpoint;
export const points = (...numbers: number[]): string[] =>
  numbers.map((number) => formatOutPoint(outPoint(number)));
export const fails = (code: ErrorCode) => (): never => {
  throw new ScbError(code, `told to fail with ${code}`);
};

/** A SubSwapper and all that it deals with. */
export interface World {
  readonly subSwapper: SubSwapper;
  readonly swapper: MemorySwapper;
  readonly notifier: HandNotifier;
  readonly clock: ManualClock;
  readonly events: SubSwapperEvent[];
  /** The kinds of events since the last call. */
  kinds(): string[];
}

export function world(options: { starting?: number[]; held?: number[] } = {}): World {
  const swapper = new MemorySwapper(encrypter, options.held?.map(single));
  const notifier = new HandNotifier();
  const clock = new ManualClock();
  const events: SubSwapperEvent[] = [];
  let seen = 0;
  const subSwapper = new SubSwapper({
    startingChans: (options.starting ?? []).map(single),
    notifier,
    encrypter,
    swapper,
    refreshIntervalMs,
    minIntervalMs: 0,
    observer: (event) => events.push(event),
    clock,
    // The longest wait that jitter can give.
    random: { bytes: systemRandom.bytes, unit: () => 1 },
  });
  const kinds = (): string[] => {
    const fresh = events.slice(seen).map(({ kind }) => kind);
    seen = events.length;
    return fresh;
  };
  return { subSwapper, swapper, notifier, clock, events, kinds };
}

/** One that has made its first refresh and hears the node. */
export async function started(
  options: { starting?: number[]; held?: number[] } = {},
): Promise<World> {
  const it = world(options);
  it.subSwapper.start();
  await it.subSwapper.ready;
  await settled();
  it.kinds();
  return it;
}

/** Nothing is left running. */
export async function assertStopped(
  { subSwapper, clock, notifier }: World,
  saved: boolean,
): Promise<void> {
  assert.equal(await subSwapper.stop(), saved, "saved");
  assert.equal(await subSwapper.ended, null);
  assert.deepEqual(clock.sleepsMs, []);
  assert.equal(notifier.cancelled, notifier.subscriptions.length);
}
