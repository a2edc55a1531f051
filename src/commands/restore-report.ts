import type { ChangesSince } from "../recovery/restore/changes-since.ts";
import type { HandedOver } from "../recovery/restore/hand-over.ts";
import type { RestoredBackup } from "../repository/fetch-backup.ts";
import { formatAge, formatSize, type Terminal } from "./terminal.ts";

/** Where the backup went. `next` is the line to run then. */
export type Delivery =
  | { readonly kind: "stdout" }
  | { readonly kind: "file"; readonly file: string; readonly next: string }
  | ({ readonly kind: "lnd"; readonly node: string; readonly next: string } & HandedOver);

export interface RestoreReport {
  readonly backup: RestoredBackup;
  readonly since: ChangesSince;
  readonly delivery: Delivery;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** One JSON document. Source: the command line's contract, which begins with `file`. */
export function reportJson({ backup, since, delivery, now }: RestoreReport): object {
  const { key, sequence, sha256, packed, verified } = backup;
  return {
    file: delivery.kind === "file" ? delivery.file : null,
    key,
    sequence,
    sha256,
    sizeBytes: packed.length,
    verified,
    channels: channelsOf(backup, delivery),
    ageSeconds: ageSecondsOf(backup, now),
    next: delivery.kind === "stdout" ? null : delivery.next,
    chain: backup.chain,
    restored: delivery.kind === "lnd" ? delivery.restored : null,
    capacitySat: capacityOf(backup),
    newerVersions: since.newerVersions,
    openedSince: since.opened,
    closedSince: since.closed,
  };
}

/** For a person under stress: what it is, what to do, what will happen, what never to do. */
export function printReport(report: RestoreReport, terminal: Terminal): void {
  const { backup, since, delivery, now } = report;
  const line = (text: string): void => terminal.line(text);
  const heading = (text: string): void => line(`\n${terminal.style("bold", text)}`);
  line(`${titleOf(report)}`);
  const savedAt = new Date(backup.committedAt).toISOString();
  line(`  saved ${formatAge(ageSecondsOf(backup, now))} ago (${savedAt})`);
  for (const text of checksOf(backup, terminal)) line(`  ${text}`);
  for (const text of sinceOf(since, terminal)) line(`  ${text}`);
  if (delivery.kind === "stdout") return;

  heading("What to do now, in this order");
  if (delivery.kind === "file") {
    line("  1. Leave the old node off, for good: its database must never be started again.");
    line("  2. Make a NEW node from the same 24 words (`lncli create`), and wait until `lncli");
    line('     getinfo` says "synced_to_chain": true.');
    line("  3. On the new node's machine:");
    line(`       ${terminal.style("bold", delivery.next)}`);
    line("  4. Leave it running and connected to the network, until all is home.");
  } else {
    line(
      "  Leave the node running and connected to the network, until all is home. See how it goes:",
    );
    line(`    ${terminal.style("bold", delivery.next)}`);
  }

  heading("What will happen");
  line(
    "  Your node asks each peer to close. One that is online does so at once, one that is not, when",
  );
  line(
    "  it is back. Some blocks after a close is confirmed (3 to 6 as a rule) your node sends your",
  );
  line("  share to its own wallet; that transaction's fee, and the block it needs, come off it.");
  line(`  ${amountOf(backup)}`);

  heading("Never");
  line(
    "  - start the old node's database again, nor a copy or a snapshot of it: the peers can then",
  );
  line("    take everything");
  line("  - publish a commitment transaction out of a backup: an old one loses the whole channel");
  line("  - restore into a node whose channels are open: its peers would close them");
  line("  - put the file in the place of lnd's own channel.backup: that restores nothing");
  line("\nStep by step, and what to do where a peer does not answer: docs/recovery.md");
}

function titleOf({ backup, delivery }: RestoreReport): string {
  const what = `sequence ${backup.sequence}, ${formatSize(backup.packed.length)}`;
  if (delivery.kind === "lnd") {
    const { node, restored, channels } = delivery;
    const known = channels - restored;
    const more = known === 0 ? "" : `; it had the other ${known} already`;
    return `${node} has taken ${restored} of ${channels} channels (${what})${more}`;
  }
  const channels = backup.channels === null ? "" : `, ${backup.channels} channels`;
  return `${delivery.kind === "file" ? delivery.file : "stdout"}: ${what}${channels}`;
}

function checksOf({ verified, chain }: RestoredBackup, terminal: Terminal): readonly string[] {
  const warn = (text: string): string => terminal.style("yellow", text);
  return [
    verified.hash
      ? "size and hash are right"
      : warn("its hash was never recorded, so it could not be compared"),
    ...(chain === false
      ? [
          warn(
            "its place in the history is NOT right: run `scb-mirror verify`, and look at others too",
          ),
        ]
      : []),
    verified.decrypted
      ? "it decrypts with your key"
      : "not decrypted (give --key-file to do so, or let the new node: `lncli verifychanbackup`)",
  ];
}

function sinceOf(since: ChangesSince, terminal: Terminal): readonly string[] {
  const { newerVersions, opened, closed, stillOpen, by } = since;
  const lines: string[] = [];
  if (newerVersions !== null) {
    lines.push(
      newerVersions === 0
        ? "it is the newest version"
        : terminal.style(
            "yellow",
            `${newerVersions} newer versions are there (scb-mirror list shows them)`,
          ),
    );
  }
  if (opened !== null && closed !== null && opened + closed > 0) {
    const who = by === "node" ? "by the node" : "by the newest version";
    lines.push(
      `since then ${opened} channels opened, which are not in it, and ${closed} closed (${who})`,
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
  return `${held}How much of it is yours is in no backup: the peers' closing transactions say it.`;
}

function channelsOf(backup: RestoredBackup, delivery: Delivery): number | null {
  return delivery.kind === "lnd" ? delivery.channels : backup.channels;
}

function capacityOf({ singles }: RestoredBackup): number | null {
  return singles?.reduce((sum, { capacitySat }) => sum + capacitySat, 0) ?? null;
}

function ageSecondsOf({ committedAt }: RestoredBackup, now: number): number {
  return Math.max(0, Math.floor((now - committedAt) / 1000));
}
