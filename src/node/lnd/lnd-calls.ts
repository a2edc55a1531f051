/** Every call that a mirror makes, by lnd's name. */
export const lndCalls = [
  "GetInfo",
  "SubscribeChannelBackups",
  "ExportAllChannelBackups",
  "VerifyChanBackup",
  "ListChannels",
  "PendingChannels",
  "ClosedChannels",
] as const;

/** lnd's wallet kit, asked for the backup key, and only where an operator wants that. */
export const deriveKeyCall = "DeriveKey";

export type LndCall = (typeof lndCalls)[number] | typeof deriveKeyCall;

/** The command that makes a macaroon which allows to ask for the backup key, and nothing else. */
export const bakeKeyMacaroonCommand = `lncli bakemacaroon --save_to scb-mirror-key.macaroon uri:/lnrpc.Lightning/GetInfo uri:/walletrpc.WalletKit/${deriveKeyCall}`;

/** The command that makes a macaroon which allows what scb-mirror does, and nothing else. */
export const bakeMacaroonCommand = `lncli bakemacaroon --save_to scb-mirror.macaroon ${lndCalls
  .map((call) => `uri:/lnrpc.Lightning/${call}`)
  .join(" ")}`;
