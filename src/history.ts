/**
 * `scb-mirror/history`: read-only access to a node's saved backups. It probes nothing, writes nothing,
 * and never answers from a cache.
 * @module
 */

export type { NodeChannels } from "./chanbackup/node-channels.ts";
export type { LimboChannel } from "./chanbackup/snapshot.ts";
export {
  BackupHistory,
  type BackupHistoryOptions,
  type ListHistoryOptions,
  type VerifyHistoryOptions,
} from "./checks/backup-history.ts";
export type { Finding, FindingCode, FindingLevel, ToldFinding, Verdict } from "./checks/finding.ts";
export type { CoveredLimbo, StatusReport } from "./checks/status.ts";
export type { VerifyReport } from "./checks/verify.ts";
export type { VerifyNote } from "./checks/verify-findings.ts";
export type { AlsoRestore } from "./repository/also-restore.ts";
export type { RestoredBackup } from "./repository/fetch-backup.ts";
export type { HistoryEntry } from "./repository/history.ts";
