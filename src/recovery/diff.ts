import { isDeepStrictEqual } from "node:util";
import { type InspectedChannel, inspectSingle } from "../chanbackup/inspected-channel.ts";
import { sortSingles } from "../chanbackup/multi.ts";
import type { Single } from "../chanbackup/single.ts";
import { formatOutPoint } from "../wire/out-point.ts";

/** The differences between two backups, each list sorted by channel point. */
export interface BackupDiff {
  /** Channel points that only the second has. */
  readonly added: readonly string[];
  /** Channel points that only the first has. */
  readonly removed: readonly string[];
  /** Channels in both whose fields differ; fields are named as in `inspect`. */
  readonly changed: readonly {
    readonly fundingOutpoint: string;
    readonly fields: readonly string[];
  }[];
}

/**
 * Compares two backups channel by channel. Addresses are compared as sets, since lnd changes their
 * order from export to export.
 */
export function diffBackups(before: readonly Single[], after: readonly Single[]): BackupDiff {
  const [a, b] = [byChannel(before), byChannel(after)];
  const changed: { fundingOutpoint: string; fields: string[] }[] = [];
  for (const [fundingOutpoint, channel] of a) {
    const other = b.get(fundingOutpoint);
    const fields = other === undefined ? [] : changedFields(channel, other);
    if (fields.length > 0) changed.push({ fundingOutpoint, fields });
  }
  return {
    added: [...b.keys()].filter((point) => !a.has(point)),
    removed: [...a.keys()].filter((point) => !b.has(point)),
    changed,
  };
}

function byChannel(singles: readonly Single[]): Map<string, InspectedChannel> {
  const comparable = sortSingles(singles).map((single): [string, InspectedChannel] => {
    const channel = inspectSingle(single, { withCloseTx: true });
    const addresses = [...new Set(channel.addresses)].sort();
    return [formatOutPoint(single.fundingOutpoint), { ...channel, addresses }];
  });
  return new Map(comparable);
}

function changedFields(a: InspectedChannel, b: InspectedChannel): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof InspectedChannel>;
  return [...names].filter((name) => !isDeepStrictEqual(a[name], b[name]));
}
