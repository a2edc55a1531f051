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

/** What was asked for and answered, or not; or what nobody asked for. */
export type Asked<T> = { readonly asked: false } | ({ readonly asked: true } & Told<T>);

/** What lies where the pointer belongs, and what it names. */
export type CurrentSeen =
  /** Nothing was ever committed. */
  | { readonly kind: "none" }
  | { readonly kind: "lost"; readonly error: ScbError }
  | { readonly kind: "damaged"; readonly error: ScbError }
  | { readonly kind: "held"; readonly held: HeldVersion; readonly pointer: Pointer | null };

/** What somebody who was asked to open a backup found. */
export type OpenedSeen =
  | { readonly kind: "opened"; readonly channelPoints: readonly string[] }
  /** It doesn't open. */
  | { readonly kind: "sealed"; readonly error: ScbError };

/** A version that was read back, and what opened it. */
export interface VersionSeen {
  readonly key: string;
  readonly reading: Told<VersionReading["kind"]>;
  /** Of what is there. */
  readonly sizeBytes?: number | undefined;
  readonly byKey: Asked<OpenedSeen>;
  readonly byNode: Asked<OpenedSeen>;
}

/** Whether the key, and the node, opened a version; null for one that wasn't asked or didn't answer. */
export function openedBy(version: VersionSeen | null): {
  readonly key: boolean | null;
  readonly lnd: boolean | null;
} {
  const opened = (by: Asked<OpenedSeen> | undefined): boolean | null =>
    by?.asked === true && by.known ? by.value.kind === "opened" : null;
  return { key: opened(version?.byKey), lnd: opened(version?.byNode) };
}

/** A version of a later sequence than the pointer's, as that was after the versions were listed. */
export interface BeyondSeen {
  readonly key: string;
  readonly sequence: number;
  /** By how much it is later: 1 may be a swap under way. */
  readonly steps: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

export interface RefusalSeen {
  /** The ULID of the operation that was held back. */
  readonly operation: string;
  /** Where the candidate is kept. */
  readonly key: string;
  /** Null if it can't be read. */
  readonly reason: QuarantineReason | null;
}

/** What mirrors say of themselves. */
export type AttestedSeen =
  | Exclude<Attested, { kind: "last" }>
  | (Extract<Attested, { kind: "last" }> & {
      /** What was current after it was read, if that can differ from what was current before; else null. */
      readonly sequenceSince: number | null;
    });

/** What somebody who looks again and again saw current here: the highest sequence. */
export interface SeenBefore {
  readonly sequence: number;
  readonly key: string;
  readonly sha256: string;
  /** As `HeldVersion`'s. Milliseconds since 1970. */
  readonly savedAt: number;
}

/** A node's folder in one store, as one reading of it showed it. */
export interface FolderEvidence {
  /** The store's location: holds no secret. */
  readonly store: string;
  /** The name of the folder. */
  readonly node: string;
  readonly current: Told<CurrentSeen>;
  /** What the pointer names, read back; null if it names nothing or couldn't be read. */
  readonly version: VersionSeen | null;
  /** What a restore needs besides, read back. */
  readonly also: readonly VersionSeen[];
  readonly beyond: Told<readonly BeyondSeen[]>;
  /** The newest ones, newest first. */
  readonly refusals: Told<readonly RefusalSeen[]>;
  /** The newest one. */
  readonly lastDrill: Told<LastDrill | null>;
  readonly lastRestore: Told<LastRestore | null>;
  readonly attested: Told<AttestedSeen>;
  /** Absent for who looks only once. */
  readonly before?: SeenBefore | null | undefined;
}

/** What a node says of its channels, at one moment. Sorted channel points. */
export interface NodeEvidence {
  /** Open, or about to be. */
  readonly open: readonly string[];
  /** Known from a backup only, and waiting for their peers to close. */
  readonly restored: readonly string[];
  readonly limbo: readonly LimboChannel[];
  /** Closed, settled, or closing. */
  readonly closed: Told<readonly string[]>;
  /** Compressed public key, hex; null if it isn't told. */
  readonly pubkey: string | null;
}

/** A `channel.backup` that is watched, as it is now. */
export interface FileEvidence {
  readonly path: string;
  readonly sha256: string;
  /** Null if nothing opened it. */
  readonly channelPoints: readonly string[] | null;
}

/** What was seen, by one who looked at one moment. It says what is, and concludes nothing. */
export interface Evidence {
  /** By the clock of who looked, milliseconds since 1970. */
  readonly at: number;
  readonly folder: FolderEvidence;
  readonly node: Asked<NodeEvidence>;
  readonly file: Asked<FileEvidence>;
}

/** What a survey says of the node's channels. */
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
