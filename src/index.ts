/**
 * `scb-mirror`: keeps the channel backup of any node current, in offsite storage or wherever your own
 * `Swapper` puts it. The command line is built from the same parts.
 * @module
 */
export { SubSwapperVerdict, type SubSwapperVerdictOptions } from "./app/sub-swapper-verdict.ts";
export type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "./chanbackup/channel-notifier.ts";
export type { EngineTiming } from "./chanbackup/engine.ts";
export type { EngineEvent } from "./chanbackup/engine-events.ts";
export type { HeldBackup } from "./chanbackup/freshness.ts";
export type { LookDepth, LookOutcome, LookTiming } from "./chanbackup/look.ts";
export type { ChannelWithAddrs } from "./chanbackup/new-single.ts";
export type { NodeChannels } from "./chanbackup/node-channels.ts";
export { PushNotifier } from "./chanbackup/push-notifier.ts";
export { RefusedError } from "./chanbackup/refused-error.ts";
export type { SnapshotReason } from "./chanbackup/snapshot.ts";
export { type StopOptions, SubSwapper, type SubSwapperOptions } from "./chanbackup/sub-swapper.ts";
export type {
  SubSwapperEvent,
  SubSwapperObserver,
  SubSwapperSwapped,
  SubSwapperUnchanged,
} from "./chanbackup/sub-swapper-events.ts";
export type { Swapper } from "./chanbackup/swapper.ts";
export type { Finding, Verdict } from "./checks/finding.ts";
export type { Commit } from "./mirror/events.ts";
export {
  type OffsiteSwapper,
  type OffsiteSwapperOptions,
  openOffsiteSwapper,
} from "./mirror/offsite-swapper.ts";
export { type Clock, systemClock } from "./runtime/clock.ts";
export { type ErrorCode, errorCodes, hasCode, ScbError } from "./runtime/error.ts";
export { type Logger, silentLogger } from "./runtime/logger.ts";
export { type Random, systemRandom } from "./runtime/random.ts";
