/**
 * `scb-mirror/backup`: the format of lnd's static channel backups. *Serialized* is plaintext, *packed* is
 * encrypted, as in lnd.
 * @module
 */
export {
  type InspectedChannel,
  type InspectOptions,
  inspectSingle,
} from "./chanbackup/inspected-channel.ts";
export { deserializeMulti, type Multi, serializeMulti, sortSingles } from "./chanbackup/multi.ts";
export { type ChannelWithAddrs, channelTypeBits, newSingle } from "./chanbackup/new-single.ts";
export {
  isEmptyMulti,
  type PackedMulti,
  packedMultiFlaw,
  packMulti,
  unpackMulti,
} from "./chanbackup/packed-multi.ts";
export { type PackedSingle, packSingle, unpackSingle } from "./chanbackup/packed-single.ts";
export {
  type CloseTxInputs,
  type LocalChannelConfig,
  type RemoteChannelConfig,
  type ShaChainRootDesc,
  type Single,
  type SingleVersion,
  singleVersions,
} from "./chanbackup/single.ts";
export { deserializeSingle, serializeSingle } from "./chanbackup/single-codec.ts";
export { type BackupDiff, diffBackups } from "./recovery/diff.ts";
export {
  type InspectedBackup,
  inspectBackup,
  inspectSealed,
  type SealedBackup,
} from "./recovery/inspect.ts";
export {
  deserializeMsgTx,
  type MsgTx,
  serializeMsgTx,
  type TxIn,
  type TxOut,
} from "./wire/msg-tx.ts";
export { formatNetAddress, type NetAddress } from "./wire/net-address.ts";
export {
  canonicalOutPoint,
  compareOutPoints,
  formatOutPoint,
  type OutPoint,
  parseOutPoint,
} from "./wire/out-point.ts";
export { parseNetAddress } from "./wire/parse-net-address.ts";
export { formatShortChannelId, type ShortChannelID } from "./wire/short-channel-id.ts";
