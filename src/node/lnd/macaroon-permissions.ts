import { deriveKeyCall, lndCalls } from "./lnd-calls.ts";
import type { MacaroonPermission, MacaroonRights } from "./macaroon.ts";

type MirrorCall = (typeof lndCalls)[number];

const read = (entity: string): MacaroonPermission => ({ entity, action: "read" });

/**
 * The permission that lnd requires for each call, unless the macaroon names the call itself
 * (`MainRPCServerPermissions`).
 */
const permissionOfCall: Readonly<Record<MirrorCall, MacaroonPermission>> = {
  GetInfo: read("info"),
  SubscribeChannelBackups: read("offchain"),
  ExportAllChannelBackups: read("offchain"),
  VerifyChanBackup: read("offchain"),
  ListChannels: read("offchain"),
  PendingChannels: read("offchain"),
  ClosedChannels: read("offchain"),
};

const uri = (call: MirrorCall): string => `/lnrpc.Lightning/${call}`;
/** For operators who want backups opened with the node's own key ring. */
const optionalUris: readonly string[] = [`/walletrpc.WalletKit/${deriveKeyCall}`];

/** The mirror's calls that the macaroon doesn't permit. */
export function missingCalls({ permissions }: MacaroonRights): readonly MirrorCall[] {
  const has = (wanted: MacaroonPermission): boolean =>
    permissions.some(({ entity, action }) => entity === wanted.entity && action === wanted.action);
  return lndCalls.filter(
    (call) => !has(permissionOfCall[call]) && !has({ entity: "uri", action: uri(call) }),
  );
}

export interface ExcessPermissions {
  /** Permissions that can change or spend something, or aren't known to be harmless. */
  readonly writes: readonly string[];
  /** Permissions to read more than backups and channels. */
  readonly reads: readonly string[];
}

/** What the macaroon permits beyond the mirror's calls, as "entity:action" or "uri:method". */
export function excessPermissions({ permissions }: MacaroonRights): ExcessPermissions {
  const needed = new Set<string>([...lndCalls.map(uri), ...optionalUris]);
  const excess = permissions.filter(
    ({ entity, action }) => !(entity === "uri" && needed.has(action)),
  );
  const isRead = ({ entity, action }: MacaroonPermission): boolean =>
    entity !== "uri" && action === "read";
  const names = (list: readonly MacaroonPermission[]): string[] =>
    list.map(({ entity, action }) => `${entity}:${action}`);
  return {
    writes: names(excess.filter((permission) => !isRead(permission))),
    reads: names(excess.filter(isRead)),
  };
}

/** When the macaroon expires by its own conditions, in milliseconds since 1970; null for never. */
export function expiryOf({ conditions }: MacaroonRights): number | null {
  const ends = conditions
    .map((condition) => /^time-before (\S+)$/.exec(condition)?.[1])
    .map((time) => Date.parse(time ?? ""))
    .filter((time) => !Number.isNaN(time));
  return ends.length === 0 ? null : Math.min(...ends);
}
