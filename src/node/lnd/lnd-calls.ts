import type { Network } from "../../keychain/network.ts";
import { shellQuote } from "../../runtime/shell-quote.ts";

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

/** A call to lnd's wallet kit for the backup key, made only if the operator wants that. */
export const deriveKeyCall = "DeriveKey";

/**
 * Additional calls of `drill`. If the macaroon doesn't permit one, the drill says what it doesn't know.
 */
export const drillCalls = ["ListPeers", "GetNodeInfo"] as const;

/** An additional call of `restore --to-lnd`. No mirror may make it, so it needs another macaroon. */
export const restoreCall = "RestoreChannelBackups";

export type LndCall =
  | (typeof lndCalls | typeof drillCalls)[number]
  | typeof deriveKeyCall
  | typeof restoreCall;

/** Bakes a macaroon that permits asking for the backup key, and nothing else. */
export const bakeKeyMacaroonCommand = `lncli bakemacaroon --save_to scb-mirror-key.macaroon uri:/lnrpc.Lightning/GetInfo uri:/walletrpc.WalletKit/${deriveKeyCall}`;

/** Bakes a macaroon that permits what a mirror does, and nothing else. */
export const bakeMacaroonCommand = bakeCommand(lndCalls);

/** The command that bakes a macaroon which also permits `call`. */
export function bakeMacaroonCommandFor(call: LndCall): string {
  if (call === deriveKeyCall) return bakeKeyMacaroonCommand;
  const isOfDrill = drillCalls.some((other) => other === call);
  return isOfDrill ? bakeCommand([...lndCalls, ...drillCalls]) : bakeMacaroonCommand;
}

/** As `bakeMacaroonCommand`, for a node on `network` and with a chosen file. */
export function bakeMacaroonCommandTo(path: string, network: Network): string {
  return bakeCommand(lndCalls, path, network);
}

function bakeCommand(
  calls: readonly LndCall[],
  path = "scb-mirror.macaroon",
  network: Network = "mainnet",
): string {
  const uris = calls.map((call) => `uri:/lnrpc.Lightning/${call}`);
  const lncli = network === "mainnet" ? "lncli" : `lncli --network ${network}`;
  return `${lncli} bakemacaroon --save_to ${shellQuote(path)} ${uris.join(" ")}`;
}
