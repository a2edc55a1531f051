import type { LimboChannel, NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { LastAttestation } from "../repository/mirror-record.ts";
import type { LastRestore } from "../repository/restore-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { collectFile, collectFolder, collectNode, type WatchedFile } from "./collect.ts";
import { coverOf, openedPoints } from "./cover.ts";
import { type Evidence, openedBy } from "./evidence.ts";
import type { ToldFinding } from "./finding.ts";
import { judgeTwice } from "./second-look.ts";
import { type LatestVersion, problemsOf } from "./status-json.ts";
import type { Judgement } from "./verdict.ts";

/** A closed channel whose funds haven't reached the wallet, and whether the store would bring them back. */
export interface CoveredLimbo extends LimboChannel {
  readonly covered: boolean;
}

/** What `status` prints. Only the verdict draws conclusions. */
export interface StatusReport extends Judgement {
  readonly node: string;
  /** Whether the verdict is "safe". */
  readonly healthy: boolean;
  /** The findings that the verdict rests on, each with its remedy. */
  readonly problems: readonly ToldFinding[];
  readonly latest: LatestVersion | null;
  /** There is no pointer: the newest version counts as current, whoever wrote it. */
  readonly appendOnly: boolean;
  /** Null if it isn't known when it was saved. */
  readonly ageSeconds: number | null;
  /** Whether the key and the node opened it; null if one wasn't asked or didn't answer. */
  readonly opened: { readonly key: boolean | null; readonly lnd: boolean | null };
  /** Whether it holds every channel that the node has open now; null if that isn't known. */
  readonly covered: boolean | null;
  /** Null if no node was asked or it didn't answer. */
  readonly limbo: readonly CoveredLimbo[] | null;
  /** The last drill recorded in the store; null for none. */
  readonly lastDrill: (LastDrill & { readonly ageSeconds: number }) | null;
  /** The newest restore from this folder, which the operator has to know about. */
  readonly lastRestore: LastRestore | null;
  /** The newest valid attestation; null for none. */
  readonly lastAttestation:
    | (Pick<LastAttestation, "key" | "at" | "state" | "writer"> & { readonly ageSeconds: number })
    | null;
}

export interface StatusOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  readonly maxAgeMs: number;
  /** How long mirrors that write attestations may be silent. Default: forever. */
  readonly maxSilenceMs?: number | null | undefined;
  /** The running node, if there is one to ask: it opens the backup and names its channels. */
  readonly witness?: NodeWitness | undefined;
  readonly pubkey?: string | null | undefined;
  readonly nodeFailure?: ScbError | undefined;
  readonly encrypter?: Encrypter | undefined;
  /** A watched `channel.backup`, and what decrypts it. */
  readonly file?: WatchedFile | null | undefined;
  /** The seed's node key, which shows for certain that a key is the wrong one; null if not known. */
  readonly identityPubkey?: string | null | undefined;
  readonly clock: Clock;
}

/**
 * Looks at a node's folder and, if one is given, at the node, and judges what it saw. Throws "aborted", and
 * what the store throws if it doesn't show its pointer: then there is nothing to judge.
 */
export async function checkStatus(options: StatusOptions): Promise<StatusReport> {
  const { maxAgeMs, maxSilenceMs = null } = options;
  const policy = { question: "mirror", maxAgeMs, maxSilenceMs } as const;
  const look = async () => ({ evidence: await collect(options) });
  const { seen, judgement } = await judgeTwice(look, policy, options);
  const { verdict, findings } = judgement;
  return {
    ...judgement,
    healthy: verdict === "safe",
    problems: problemsOf(findings),
    ...factsOf(seen.evidence),
  };
}

async function collect(options: StatusOptions): Promise<Evidence> {
  const { clock } = options;
  const asked = await collectAsked(options);
  const { folder } = await collectFolder({ ...options, now: clock.now() });
  if (!folder.current.known) throw folder.current.error;
  return { at: clock.now(), folder, ...asked };
}

/** Runs before any store is read: what the node has must be in what a store holds afterwards. */
export async function collectAsked(
  options: Omit<StatusOptions, "store">,
): Promise<Pick<Evidence, "node" | "file">> {
  const { pubkey = null, file = null, signal } = options;
  const node = await collectNode(options, pubkey);
  return { node, file: await collectFile(file, signal) };
}

export type StatusFacts = Omit<StatusReport, keyof Judgement | "healthy" | "problems">;

export function factsOf(evidence: Evidence): StatusFacts {
  const { at, folder, node } = evidence;
  const current = folder.current.known ? folder.current.value : null;
  const { held, pointer } = current?.kind === "held" ? current : { held: null, pointer: null };
  const openedChannels = (folder.version && openedPoints(folder.version))?.length;
  const cover = coverOf(evidence);
  const said = folder.attested.known ? folder.attested.value : null;
  const attested = said?.kind === "last" ? said.last : null;
  const drilled = folder.lastDrill.known ? folder.lastDrill.value : null;
  const ageSecondsAt = (time: number): number => Math.max(0, Math.floor((at - time) / 1000));
  return {
    node: folder.node,
    latest: held && {
      key: held.key,
      sequence: held.sequence,
      sha256: held.sha256,
      sizeBytes: held.sizeBytes,
      committedAt: new Date(held.committedAt).toISOString(),
      writer: pointer?.writer ?? "unknown (there is no pointer)",
      channels: openedChannels ?? pointer?.channels ?? null,
    },
    appendOnly: held !== null && pointer === null,
    // A time in the future is wrong, not young.
    ageSeconds: held === null || held.savedAt > at ? null : ageSecondsAt(held.savedAt),
    opened: openedBy(folder.version),
    covered: cover && cover.missing.length === 0,
    limbo:
      node.asked && node.known && cover !== null
        ? node.value.limbo.map((channel) => ({
            ...channel,
            covered: !cover.missingLimbo.includes(channel),
          }))
        : null,
    lastDrill: drilled && { ...drilled, ageSeconds: ageSecondsAt(Date.parse(drilled.at)) },
    lastRestore: folder.lastRestore.known ? folder.lastRestore.value : null,
    lastAttestation:
      attested === null
        ? null
        : {
            key: attested.key,
            at: attested.at,
            state: attested.state,
            writer: attested.writer,
            ageSeconds: ageSecondsAt(attested.savedAt),
          },
  };
}
