import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import type { LoadedKey } from "../../keychain/loaded-key.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type FindingCode, toldOf } from "../finding.ts";
import { checkStatus, type StatusReport } from "../status.ts";
import { type CheckLevel, type Checkup, type Finding, good, unknown } from "./checkup.ts";

export interface BackupExamination {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Its name. */
  readonly node: string;
  readonly maxAgeMs: number;
  /** The running node, if it answers. */
  readonly witness: NodeWitness | null;
  /** Its public key. */
  readonly pubkey: string | null;
  readonly key: LoadedKey | null;
  readonly clock: Clock;
}

/** The findings that `cover` and `key-opens-backup` report; `backup` reports all others. */
const coverCodes: readonly FindingCode[] = [
  "not-covered",
  "limbo-not-covered",
  "not-compared",
  "node-unread",
  "node-restored",
  "unknown-channels",
];
const keyCodes: readonly FindingCode[] = ["wrong-key", "not-opened"];

/** Is the current backup intact and fresh, does it hold the node's channels, and does the key open it? */
export async function examineBackup(
  checkup: Checkup,
  { store, node, maxAgeMs, witness, pubkey, key, clock }: BackupExamination,
): Promise<void> {
  const report = await checkup.run(
    "backup",
    (signal) =>
      checkStatus({
        store,
        node,
        maxAgeMs,
        pubkey,
        clock,
        witness: witness ?? undefined,
        encrypter: key?.encrypter,
        identityPubkey: key?.identityPubkey,
        signal,
      }),
    backupFinding,
  );
  if (report instanceof ScbError || report.latest === null) return;
  const cover = coverFinding(report);
  checkup.add("cover", cover.level, cover.message);
  if (key === null) return;
  const { level, message } = keyFinding(report);
  checkup.add("key-opens-backup", level, message);
}

/** The findings that belong to one check; null if there are none. A new folder may have no backup yet. */
function found({ findings }: StatusReport, isIts: (code: FindingCode) => boolean): Finding | null {
  const its = findings.filter(({ code }) => isIts(code));
  const levels = its.map(({ code, level }) => (code === "no-backup" ? "warning" : level));
  const message = its.map((one) => `${one.code}: ${toldOf(one).message}`).join("; ");
  const worst = (["problem", "unknown", "warning"] as const satisfies CheckLevel[]).find((level) =>
    levels.includes(level),
  );
  return worst === undefined ? null : { level: worst, message };
}

function backupFinding(report: StatusReport): Finding {
  // That someone fetched a version is no fault of the backup; status reports it.
  const others: readonly FindingCode[] = [...coverCodes, ...keyCodes, "restored"];
  const its = found(report, (code) => !others.includes(code));
  if (its !== null) return its;
  const { latest, ageSeconds } = report;
  const age = ageSeconds === null ? "" : `; it was saved ${Math.round(ageSeconds / 60)} min ago`;
  return good(`the current backup, sequence ${latest?.sequence}, was read back intact${age}`);
}

function coverFinding(report: StatusReport): Finding {
  const its = found(report, (code) => coverCodes.includes(code));
  if (its !== null) return its;
  if (report.covered === true) {
    return good(
      "the store holds every channel that the node has open, and every closed one whose funds haven't reached the wallet",
    );
  }
  return unknown(
    "it isn't known whether the current backup holds every channel: nothing compared it with the node (give --from lnd)",
  );
}

function keyFinding(report: StatusReport): Finding {
  const its = found(report, (code) => keyCodes.includes(code));
  if (its !== null) return its;
  return report.opened.key === true
    ? good(`the key opens the current backup: ${report.latest?.channels} channels`)
    : unknown(
        "it isn't known whether the key opens the current backup, which couldn't be read back",
      );
}
