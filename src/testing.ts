/**
 * `scb-mirror/testing`: a simulated node, and the suites that your own stores, swappers and notifiers
 * must pass. The suites register themselves with node:test.
 * @module
 */
export { type DemoChannelOptions, demoChannel } from "./node/demo-channel.ts";
export { DemoNode, type DemoNodeOptions } from "./node/demo-node.ts";
export {
  type ChannelNotifierCheck,
  type ChannelNotifierGround,
  channelNotifierChecks,
  channelNotifierSuite,
  runChannelNotifierCheck,
} from "./testing/channel-notifier-suite.ts";
export {
  appendOnlyStoreChecks,
  objectStoreChecks,
  objectStoreSuite,
  runStoreCheck,
  type StoreCheck,
  type StoreGround,
} from "./testing/object-store-suite.ts";
export {
  runSwapperCheck,
  type SwapperCheck,
  type SwapperGround,
  swapperChecks,
  swapperSuite,
} from "./testing/swapper-suite.ts";
