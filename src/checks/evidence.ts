import type { NodeSurvey, Told } from "../chanbackup/node-survey.ts";
import type { LimboChannel } from "../chanbackup/snapshot.ts";
import type { HeldVersion } from "../repository/base.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { Attested } from "../repository/mirror-record.ts";
import type { Pointer } from "../repository/pointer.ts";
import type { QuarantineReason } from "../repository/quarantine-record.ts";
import type { LastRestore } from "../repository/restore-record.ts";
import type { VersionReading } from "../repository/version.ts";
import type { ScbError } from "../runtime/error.ts";

/** Something that wasn't asked for, or was and may not have been answered. */
export type Asked<T> = { readonly asked: false } | ({ readonly asked: true } & Told<T>);

/** What is in the pointer's place, and what it names. */
export type CurrentSeen =
  /** Nothing was ever committed. */
  | { readonly kind: "none" }
  | { readonly kind: "lost"; readonly error: ScbError }
  | { readonly kind: "damaged"; readonly error: ScbError }
  | { readonly kind: "held"; readonly held: HeldVersion; readonly pointer: Pointer | null };

/** What the key or the node found when it opened a backup. */
export type OpenedSeen =
  | { readonly kind: "opened"; readonly channelPoints: readonly string[] }
  /** It doesn't open. */
  | { readonly kind: "sealed"; readonly error: ScbError };

/** A version that was read back, and what opened it. */
export interface VersionSeen {
  readonly key: string;
  readonly reading: Told<VersionReading["kind"]>;
  /** The size of what is there. */
  readonly sizeBytes?: number | undefined;
  readonly byKey: Asked<OpenedSeen>;
  readonly byNode: Asked<OpenedSeen>;
}

/** Whether the key and the node opened a version; null if one wasn't asked or didn't answer. */
export function openedBy(version: VersionSeen | null): {
  readonly key: boolean | null;
  readonly lnd: boolean | null;
} {
  const opened = (by: Asked<OpenedSeen> | undefined): boolean | null =>
    by?.asked === true && by.known ? by.value.kind === "opened" : null;
  return { key: opened(version?.byKey), lnd: opened(version?.byNode) };
}

/** A version beyond the pointer, which was read again after the versions were listed. */
export interface BeyondSeen {
  readonly key: string;
  readonly sequence: number;
  /** How far beyond: 1 may be a swap in progress. */
  readonly steps: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

export interface RefusalSeen {
  /** The ULID of the refused operation. */
  readonly operation: string;
  /** Where the refused backup is kept. */
  readonly key: string;
  /** Null if it can't be read. */
  readonly reason: QuarantineReason | null;
}

/** The mirrors' newest attestation. */
export type AttestedSeen =
  | Exclude<Attested, { kind: "last" }>
  | (Extract<Attested, { kind: "last" }> & {
      /** What was current after the attestation was read, if that may have changed; else null. */
      readonly sequenceSince: number | null;
    });

/** The newest current version that a repeated observer has seen here. */
export interface SeenBefore {
  readonly sequence: number;
  readonly key: string;
  readonly sha256: string;
  /** As `HeldVersion`'s. Milliseconds since 1970. */
  readonly savedAt: number;
}

/** A node's folder in one store, as one reading showed it. */
export interface FolderEvidence {
  /** The store's location: holds no secret. */
  readonly store: string;
  /** The name of the folder. */
  readonly node: string;
  readonly current: Told<CurrentSeen>;
  /** What the pointer names, read back; null if it names nothing or couldn't be read. */
  readonly version: VersionSeen | null;
  /** The older versions that a restore also needs, read back. */
  readonly also: readonly VersionSeen[];
  readonly beyond: Told<readonly BeyondSeen[]>;
  /** The newest ones, newest first. */
  readonly refusals: Told<readonly RefusalSeen[]>;
  /** The newest one. */
  readonly lastDrill: Told<LastDrill | null>;
  readonly lastRestore: Told<LastRestore | null>;
  readonly attested: Told<AttestedSeen>;
  /** Absent if the observer looks only once. */
  readonly before?: SeenBefore | null | undefined;
}

/** What a node says about its channels at one moment. Sorted channel points. */
export interface NodeEvidence {
  /** Open, or opening. */
  readonly open: readonly string[];
  /** Known only from a backup, and waiting for their peers to close. */
  readonly restored: readonly string[];
  readonly limbo: readonly LimboChannel[];
  /** Closed, settled, or closing. */
  readonly closed: Told<readonly string[]>;
  /** Compressed public key, hex; null if not known. */
  readonly pubkey: string | null;
}

/** A watched `channel.backup`, as it is now. */
export interface FileEvidence {
  readonly path: string;
  readonly sha256: string;
  /** Null if nothing opened it. */
  readonly channelPoints: readonly string[] | null;
}

/** What one observer saw at one moment. It holds facts and no conclusions. */
export interface Evidence {
  /** By the observer's clock, milliseconds since 1970. */
  readonly at: number;
  readonly folder: FolderEvidence;
  readonly node: Asked<NodeEvidence>;
  readonly file: Asked<FileEvidence>;
}

/** What a survey says about the node's channels. */
export function nodeEvidenceOf(survey: NodeSurvey, pubkey: string | null): NodeEvidence {
  const of = (...states: readonly string[]): string[] =>
    survey.channels
      .filter(({ state }) => states.includes(state))
      .map(({ channelPoint }) => channelPoint);
  return {
    open: of("open", "pending-open"),
    restored: of("restored"),
    limbo: survey.channels
      .filter(({ state }) => state === "closing")
      .map(({ channelPoint, localBalanceSat, maturityHeight }) => ({
        channelPoint,
        limboSat: localBalanceSat,
        maturityHeight,
      })),
    closed: survey.closed.known ? { known: true, value: [...survey.closed.value] } : survey.closed,
    pubkey,
  };
}
