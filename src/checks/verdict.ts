import type { Pointer } from "../repository/pointer.ts";
import { isNodePubkey } from "../repository/wrong-key.ts";
import type { ScbError } from "../runtime/error.ts";
import { coverFindings } from "./cover.ts";
import type { Evidence, FolderEvidence } from "./evidence.ts";
import { type Finding, type FindingCode, findingOf, type Verdict, verdictOf } from "./finding.ts";
import { freshnessFindings } from "./freshness.ts";
import type { Policy } from "./policy.ts";
import { silenceFindings } from "./silence.ts";
import { unreadFinding } from "./unread.ts";
import { versionFindings } from "./version-findings.ts";
import { wentBackFindings } from "./went-back.ts";

export interface Judgement {
  readonly verdict: Verdict;
  /** What the verdict rests on, problems first. */
  readonly findings: readonly Finding[];
  /** What wasn't checked, and which option would change that. The verdict doesn't rest on it. */
  readonly notChecked: readonly string[];
}

/**
 * Decides whether it is safe, from the evidence alone: no I/O, no clock. Everything that was asked for is
 * needed, so less evidence never makes the verdict safer.
 */
export function judge(evidence: Evidence, policy: Policy): Judgement {
  const findings = [
    ...pointerFindings(evidence.folder, policy),
    ...wentBackFindings(evidence),
    ...versionFindings(evidence, policy),
    ...nodeFindings(evidence),
    ...coverFindings(evidence),
    ...freshnessFindings(evidence, policy),
    ...(policy.question === "mirror" ? historyFindings(evidence) : []),
    ...(policy.question === "mirror" ? silenceFindings(evidence, policy) : []),
  ];
  const order = { problem: 0, unknown: 1, warning: 2 };
  findings.sort((a, b) => order[a.level] - order[b.level]);
  return { verdict: verdictOf(findings), findings, notChecked: notChecked(evidence) };
}

function pointerFindings({ store, node, current }: FolderEvidence, policy: Policy): Finding[] {
  if (!current.known) return [unreadFinding(store, current.error, policy)];
  const seen = current.value;
  switch (seen.kind) {
    case "none":
      return [findingOf("no-backup", store, `there is no backup in ${store} yet`)];
    case "lost":
      return [findingOfError("pointer-lost", store, seen.error)];
    case "damaged":
      return [findingOfError("pointer-damaged", store, seen.error)];
    case "held": {
      return strangerFindings(store, node, seen.pointer);
    }
  }
}

/** A folder named after a node's public key must hold that node's backups. */
export function strangerFindings(store: string, node: string, pointer: Pointer | null): Finding[] {
  const pubkey = pointer?.node.pubkey ?? null;
  if (pubkey === null || !isNodePubkey(node) || pubkey === node) return [];
  return [findingOf("wrong-node", store, `the pointer in ${store} belongs to node ${pubkey}`)];
}

/** An error's own remedy, if it has one, comes first: a newer program's pointer needs no repair. */
function findingOfError(code: FindingCode, subject: string, { message }: ScbError): Finding {
  const [what = message, remedy] = message.split("; nothing was changed: ");
  return findingOf(code, subject, what, remedy === undefined ? {} : { remedy });
}

/** The node that was asked has to be the one whose folder this is. */
function nodeFindings({ folder, node }: Evidence): Finding[] {
  const { store, current } = folder;
  if (!node.asked) return [];
  if (!node.known) {
    const message = `the backup couldn't be compared with the node's channels: ${node.error.message}`;
    return [findingOf("node-unread", store, message)];
  }
  const pointer = current.known && current.value.kind === "held" ? current.value.pointer : null;
  const theirs = pointer?.node.pubkey ?? null;
  const { pubkey } = node.value;
  if (theirs === null || pubkey === null || theirs === pubkey) return [];
  return [
    findingOf("wrong-node", store, `the node is ${pubkey}, but the backups belong to ${theirs}`),
  ];
}

/** Findings from the folder's records of drills and restores. */
function historyFindings({ folder }: Evidence): Finding[] {
  const { store, current, lastDrill, lastRestore } = folder;
  const findings: Finding[] = [];
  // A folder that couldn't be read has a finding already.
  if (!current.known) return findings;
  if (!lastDrill.known) findings.push(unreadDrillFinding(store, lastDrill.error));
  else if (lastDrill.value?.ok === false) {
    const { key, at: drilledAt, verdict } = lastDrill.value;
    const found =
      verdict === "unknown"
        ? "couldn't find out whether a restore would work"
        : "found that a restore would fail, or would bring back too little";
    const message = `the last drill, ${drilledAt}, ${found} (${key} says why)`;
    findings.push(findingOf("drill-failed", key, message));
  }
  if (lastRestore.known && lastRestore.value !== null) {
    const { at: restoredAt, sequence } = lastRestore.value;
    const message = `sequence ${sequence ?? "unknown"} was restored at ${restoredAt}`;
    findings.push(findingOf("restored", store, message));
  }
  return findings;
}

function unreadDrillFinding(store: string, error: ScbError): Finding {
  if (error.code !== "decode") return unreadFinding(store, error);
  const remedy = "move that record away, then run scb-mirror drill again";
  return findingOf("drill-failed", store, error.message, { level: "unknown", remedy });
}

function notChecked({ folder, node, file }: Evidence): string[] {
  const list: string[] = [];
  const openers = [folder.version?.byKey, folder.version?.byNode];
  if (!node.asked && !file.asked) {
    list.push("whether the backup holds every channel that the node has now: give --from lnd");
  }
  if (!node.asked) list.push("funds of channels that are closing: give --from lnd");
  if (openers.every((opened) => opened?.asked !== true)) {
    list.push("whether anything can open the backup: give --key-file or --from lnd");
  }
  return list;
}
