import { isEmptyMulti } from "../chanbackup/packed-multi.ts";
import type { Network } from "../keychain/network.ts";
import type { ChangesSince } from "../recovery/restore/changes-since.ts";
import type { IntactBackup } from "../recovery/restore/intact-backup.ts";
import type { NewestClaim } from "../recovery/restore/newest.ts";
import type { StoreHolds } from "../recovery/restore/newest-of-all.ts";
import { rescanCommands } from "../recovery/restore/rescan.ts";
import type { RestoredBackup } from "../repository/fetch-backup.ts";
import { isInFuture } from "../repository/times.ts";
import type { DeliveredAlso, Delivery } from "./restore-delivery.ts";
import { formatAge, formatSize, type Terminal } from "./terminal.ts";

export interface RestoreReport {
  readonly backup: RestoredBackup;
  /** The store that it is from. */
  readonly store: string;
  /** What each store holds, compared with it. */
  readonly stores: readonly StoreHolds[];
  readonly claim: NewestClaim;
  /** A newer intact version that never became current, its store, and the command that fetches it. */
  readonly offer: (IntactBackup & { readonly store: string; readonly line: string }) | null;
  readonly since: ChangesSince;
  readonly delivery: Delivery;
  /** Null if the settings don't name it. */
  readonly network: Network | null;
  /** The command that fetches another version into a file of its own. */
  readonly lineFor: (version: string) => string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** One JSON document. Source: the command line's contract, which begins with `file`. */
export function reportJson(report: RestoreReport): object {
  const { backup, store, stores, claim, offer, since, delivery, now } = report;
  const { key, sequence, sha256, packed, verified } = backup;
  return {
    file: delivery.file,
    key,
    sequence,
    sha256,
    sizeBytes: packed.length,
    verified,
    channels: delivery.taken?.channels ?? backup.channels,
    ageSeconds: ageSecondsOf(backup, now),
    next: delivery.next.join(" && "),
    also: delivery.also.map((one) => ({
      file: one.file,
      key: one.needed.key,
      sha256: one.backup?.sha256 ?? one.needed.sha256,
      channelPoints: one.needed.channelPoints,
      error: one.error?.message ?? null,
    })),
    store,
    stores,
    chain: backup.chain,
    restored: delivery.taken?.restored ?? null,
    capacitySat: capacityOf(backup),
    newest: claim.isNewest,
    verdict: claim.verdict,
    findings: claim.findings,
    offered: offer && {
      key: offer.backup.key,
      sequence: offer.backup.sequence,
      next: offer.line,
      store: offer.store,
    },
    newerVersions: since.newerVersions,
    openedSince: since.opened,
    closedSince: since.closed,
  };
}

/** For a person under stress: what this is, what to do, what will happen, and what never to do. */
export function printReport(report: RestoreReport, terminal: Terminal): void {
  const { backup, since, delivery } = report;
  const line = (text: string): void => terminal.line(text);
  const heading = (text: string): void => {
    line("");
    line(terminal.style("bold", text));
  };
  line(titleOf(report));
  line(`  ${savedOf(report, terminal)}`);
  for (const text of checksOf(backup, terminal)) line(`  ${text}`);
  for (const text of newestOf(report, terminal)) line(`  ${text}`);
  for (const text of sinceOf(since, terminal)) line(`  ${text}`);
  for (const text of storesOf(report, terminal)) line(`  ${text}`);
  if (delivery.also.length > 0) {
    heading("Also needed: only these older versions bring back funds of channels that have closed");
    for (const one of delivery.also) {
      for (const text of alsoOf(one, report, terminal)) line(`  ${text}`);
    }
    if (since.newerVersions !== null && since.newerVersions > 0) {
      line("  (You need them whichever version you restore: their funds haven't arrived yet.)");
    }
  }

  heading("What to do now, in this order");
  if (delivery.kind === "file") {
    line("  1. Leave the old node off for good: its database must never be started again.");
    line("  2. Create a NEW node from the same 24 words (`lncli create`), and wait until `lncli");
    line('     getinfo` says "synced_to_chain": true.');
    for (const text of lncliSteps(report, terminal)) line(text);
    line("  4. Leave it running and connected to the network until all funds have arrived.");
  } else {
    line(
      "  Leave the node running and connected to the network until all funds have arrived. To watch:",
    );
    for (const command of delivery.next) line(`    ${terminal.style("bold", command)}`);
  }

  heading("What will happen");
  line(
    "  Your node asks each peer to close its channel. Peers that are online do so at once, the others",
  );
  line(
    "  when they are back. Some blocks after a close is confirmed (usually 3 to 6), your node sends",
  );
  line("  your share to its own wallet, less that transaction's fee. That takes one more block.");
  line(`  ${amountOf(backup)}`);

  heading("When all funds have arrived: one rescan");
  line(
    "  A sweep or cooperative close that was unconfirmed when the old node was lost pays an address",
  );
  line(
    "  that the new wallet doesn't watch. If there may have been one, stop lnd, start it ONCE with",
  );
  line("  this flag, and unlock it with a recovery window:");
  for (const command of rescanCommands(report.network)) {
    line(`    ${terminal.style("bold", command)}`);
  }
  line(
    "  You don't need this if all its channels were open and its wallet waited for no transaction. If",
  );
  line(
    "  you don't know, do it: it only finds coins. `lncli walletbalance` shows whether it found any.",
  );

  heading("Never");
  line("  - start the old node's database again, or a copy or snapshot of it: the peers can then");
  line("    take everything");
  line("  - publish a commitment transaction from a backup: an old one loses the whole channel");
  line("  - restore into a node whose channels are open: its peers would close them");
  line("  - replace lnd's own channel.backup with the file: that restores nothing");
  line("");
  line("Step by step, and what to do if a peer doesn't answer: docs/recovery.md");
}

const holdsTexts: Readonly<Record<StoreHolds["holds"], string>> = {
  same: "the same",
  older: "an older state",
  newer: "a NEWER state",
  other: "a different state; it isn't known which is newer",
  nothing: "no current version",
  unread: "NOT known",
};

/** With several stores, says which one it is from, and what the others hold. */
function storesOf({ store, stores }: RestoreReport, terminal: Terminal): readonly string[] {
  if (stores.length < 2) return [];
  const others = stores.filter((one) => one.store !== store);
  return [
    `it is from ${store}`,
    ...others.map(({ store: other, holds, sequence, savedAt, message }) => {
      const which = sequence === null ? "" : ` (sequence ${sequence}, saved ${savedAt})`;
      const why = message === null ? "" : `: ${message}`;
      const text = `${other} holds ${holdsTexts[holds]}${which}${why}`;
      return holds === "same" || holds === "older" ? text : terminal.style("yellow", text);
    }),
  ];
}

/** Stdout holds the backup's bytes, so stderr says what else is needed. */
export function noteOnStdout(report: RestoreReport, terminal: Terminal): void {
  const { delivery, lineFor, offer, stores } = report;
  if (stores.length > 1) terminal.note(`scb-mirror: it is from ${report.store}`);
  for (const { needed, error } of delivery.also) {
    const funds = fundsOf(needed.channelPoints);
    const how =
      error === null
        ? `fetch it with ${lineFor(needed.key)}, and restore it after this one`
        : `${error.message}: ${substitute(report)}`;
    terminal.note(`scb-mirror: ${needed.key} is also needed, for ${funds}: ${how}`);
  }
  if (offer !== null) terminal.note(`scb-mirror: ${offerText(report, offer)}`);
}

function titleOf({ backup, delivery }: RestoreReport): string {
  const what = `sequence ${backup.sequence}, ${formatSize(backup.packed.length)}`;
  if (delivery.taken !== null) {
    const { node, restored, channels } = delivery.taken;
    const known = channels - restored;
    const more = known === 0 ? "" : `; it already had the other ${known}`;
    return `${node} has taken ${restored} of ${channels} channels (${what})${more}`;
  }
  const channels = backup.channels === null ? "" : `, ${backup.channels} channels`;
  return `${delivery.file ?? "stdout"}: ${what}${channels}`;
}

function savedOf({ backup, now }: RestoreReport, terminal: Terminal): string {
  const savedAt = new Date(backup.savedAt).toISOString();
  const ageSeconds = ageSecondsOf(backup, now);
  if (ageSeconds !== null) return `saved ${formatAge(ageSeconds)} ago (${savedAt})`;
  const claim = `it claims to be saved at ${savedAt}, which is in the future`;
  return terminal.style("yellow", `${claim}: a clock was wrong, so its age isn't known`);
}

function checksOf({ verified, chain }: RestoredBackup, terminal: Terminal): readonly string[] {
  const warn = (text: string): string => terminal.style("yellow", text);
  return [
    verified.hash
      ? "size and hash are right"
      : warn("its hash was never recorded, so it couldn't be compared"),
    ...(chain === false
      ? [
          warn(
            "its place in the history is NOT right: run `scb-mirror verify`, and consider other versions",
          ),
        ]
      : []),
    verified.decrypted
      ? "it decrypts with your key"
      : "not decrypted (give --key-file, or check it on the new node: `lncli verifychanbackup`)",
  ];
}

/** Calls it the newest only if that was seen; otherwise says why it isn't known. */
function newestOf(report: RestoreReport, terminal: Terminal): readonly string[] {
  const { claim, since, offer } = report;
  const warn = (text: string): string => terminal.style("yellow", text);
  if (claim.isNewest) return ["it is the newest version"];
  const newer = since.newerVersions ?? 0;
  const lines =
    newer > 0
      ? [
          `there ${newer === 1 ? "is 1 newer version" : `are ${newer} newer versions`} (see scb-mirror list)`,
        ]
      : [];
  if (claim.doubts.length > 0) lines.push("NOT known to be the newest version:");
  lines.push(...claim.doubts.map(({ message }) => `  ${message}`));
  if (offer !== null) lines.push(offerText(report, offer));
  return lines.map(warn);
}

function offerText(
  { now, stores }: RestoreReport,
  { backup, store, line }: NonNullable<RestoreReport["offer"]>,
): string {
  const where = stores.length === 1 ? "" : ` in ${store}`;
  const ageSeconds = ageSecondsOf(backup, now);
  const age = ageSeconds === null ? "" : ` ${formatAge(ageSeconds)} ago`;
  return `sequence ${backup.sequence}${where} is intact and newer: it was uploaded${age} and never became current. To fetch it: ${line}`;
}

function alsoOf(one: DeliveredAlso, report: RestoreReport, terminal: Terminal): readonly string[] {
  const { needed, backup, file, error, isDelivered } = one;
  const funds = fundsOf(needed.channelPoints);
  if (!isDelivered || error !== null) {
    const what = isDelivered ? "NOT ENOUGH" : "MISSING";
    const why = `${what}: ${needed.key}, for ${funds}: ${error?.message ?? "it wasn't restored"}`;
    return [terminal.style("red", why), `  ${substitute(report)}`];
  }
  const where = file ?? "restored into the node";
  const hash = backup?.verified.hash === true ? "" : ", its hash was never recorded";
  return [`${where}: sequence ${backup?.sequence}, for ${funds}${hash}`];
}

function substitute({ lineFor }: RestoreReport): string {
  return `another version from before these channels closed may hold them (see scb-mirror list): fetch it with ${lineFor("SEQUENCE")}, and restore it too`;
}

function fundsOf(channelPoints: readonly string[]): string {
  return channelPoints.length === 0
    ? "channels that have closed"
    : `the funds of ${channelPoints.join(", ")}`;
}

function lncliSteps({ backup, delivery }: RestoreReport, terminal: Terminal): readonly string[] {
  const empty = isEmptyMulti(backup.packed)
    ? [
        `     (${delivery.file} is empty: no channel was open, so lnd has nothing to restore from it.)`,
      ]
    : [];
  const count = delivery.next.length === 1 ? "" : ", each of these, in this order";
  return [
    `  3. On the new node's machine${count}:`,
    ...delivery.next.map((command) => `       ${terminal.style("bold", command)}`),
    ...empty,
  ];
}

function sinceOf(since: ChangesSince, terminal: Terminal): readonly string[] {
  const { opened, closed, stillOpen, by } = since;
  const lines: string[] = [];
  if (opened !== null && closed !== null && opened + closed > 0) {
    const who = by === "node" ? "according to the node" : "according to the newest version";
    lines.push(
      `since then, ${opened} channels opened, which it lacks, and ${closed} closed (${who})`,
    );
  }
  if (stillOpen !== null && stillOpen > 0) {
    lines.push(
      terminal.style(
        "red",
        `the node is running, and ${stillOpen} of these channels are open: there is nothing to restore`,
      ),
    );
  }
  return lines;
}

function amountOf(backup: RestoredBackup): string {
  const capacitySat = capacityOf(backup);
  const held = capacitySat === null ? "" : `The channels hold ${capacitySat} sat in all. `;
  return `${held}No backup says how much of that is yours: the peers' closing transactions do.`;
}

function capacityOf({ singles }: RestoredBackup): number | null {
  return singles?.reduce((sum, { capacitySat }) => sum + capacitySat, 0) ?? null;
}

/** Null if the time is in the future. */
function ageSecondsOf({ savedAt }: RestoredBackup, now: number): number | null {
  if (isInFuture(savedAt, now)) return null;
  return Math.max(0, Math.floor((now - savedAt) / 1000));
}
