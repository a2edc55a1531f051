/**
 * The library: for programs that are no lnd, or that want to look into backups themselves.
 * `scb-mirror` itself is built from the same parts.
 */
export type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "./chanbackup/channel-notifier.ts";
export { deserializeMulti, type Multi, serializeMulti } from "./chanbackup/multi.ts";
export { type ChannelWithAddrs, newSingle } from "./chanbackup/new-single.ts";
export { type PackedMulti, packMulti, unpackMulti } from "./chanbackup/packed-multi.ts";
export type { Single } from "./chanbackup/single.ts";
export { SubSwapper, type SubSwapperOptions } from "./chanbackup/sub-swapper.ts";
export type { SubSwapperEvent, SubSwapperObserver } from "./chanbackup/sub-swapper-events.ts";
export type { Swapper } from "./chanbackup/swapper.ts";
export { backupKeyEncrypter, type Encrypter } from "./keychain/encrypter.ts";
export { type KeyRing, keyRingEncrypter } from "./keychain/key-ring.ts";
export { type OffsiteSwapperOptions, openOffsiteSwapper } from "./mirror/offsite-swapper.ts";
export { type Clock, systemClock } from "./runtime/clock.ts";
export { type ErrorCode, ScbError } from "./runtime/error.ts";
export { type Random, systemRandom } from "./runtime/random.ts";
