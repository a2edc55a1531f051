/** Every call that scb-mirror makes, by lnd's name. */
export const lndCalls = [
  "GetInfo",
  "SubscribeChannelBackups",
  "ExportAllChannelBackups",
  "VerifyChanBackup",
  "ListChannels",
  "PendingChannels",
  "ClosedChannels",
] as const;

export type LndCall = (typeof lndCalls)[number];

/** The command that makes a macaroon which allows what scb-mirror does, and nothing else. */
export const bakeMacaroonCommand = `lncli bakemacaroon --save_to scb-mirror.macaroon ${lndCalls
  .map((call) => `uri:/lnrpc.Lightning/${call}`)
  .join(" ")}`;
