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

/** What `drill` asks besides; where the macaroon does not allow it, it says what it does not know. */
export const drillCalls = ["ListPeers", "GetNodeInfo"] as const;

/** What `restore --to-lnd` asks besides: it is no mirror's to do, so its macaroon is another. */
export const restoreCall = "RestoreChannelBackups";

export type LndCall =
  | (typeof lndCalls | typeof drillCalls)[number]
  | typeof deriveKeyCall
  | typeof restoreCall;

/** The command that makes a macaroon which allows to ask for the backup key, and nothing else. */
export const bakeKeyMacaroonCommand = `lncli bakemacaroon --save_to scb-mirror-key.macaroon uri:/lnrpc.Lightning/GetInfo uri:/walletrpc.WalletKit/${deriveKeyCall}`;

/** The command that makes a macaroon which allows what scb-mirror does, and nothing else. */
export const bakeMacaroonCommand = bakeCommand(lndCalls);

/** The command for a macaroon that allows `call` too. */
export function bakeMacaroonCommandFor(call: LndCall): string {
  if (call === deriveKeyCall) return bakeKeyMacaroonCommand;
  const isOfDrill = drillCalls.some((other) => other === call);
  return isOfDrill ? bakeCommand([...lndCalls, ...drillCalls]) : bakeMacaroonCommand;
}

function bakeCommand(calls: readonly LndCall[]): string {
  const uris = calls.map((call) => `uri:/lnrpc.Lightning/${call}`);
  return `lncli bakemacaroon --save_to scb-mirror.macaroon ${uris.join(" ")}`;
}
