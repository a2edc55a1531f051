import type { LastAttestation } from "../repository/mirror-record.ts";
import type { AttestedSeen, Evidence } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { unreadFinding } from "./unread.ts";

/**
 * Does a mirror look after the node? By what mirrors have said of themselves, the newest of them. Whoever
 * asks the node sees for himself what is saved, so a silence is only worth knowing then. Where no mirror
 * ever said anything, the age of the backup has to do: nobody can tell that from one that was removed.
 */
export function silenceFindings(evidence: Evidence, { maxSilenceMs }: Policy): Finding[] {
  const { folder, node } = evidence;
  const { store, attested, current } = folder;
  if (maxSilenceMs === null) return [];
  // A store that tells nothing at all is told of once.
  if (!attested.known) return current.known ? [unreadFinding(store, attested.error)] : [];
  const seen = attested.value;
  switch (seen.kind) {
    case "none":
      return [];
    case "unclear": {
      const message = `whether a mirror looks after the node isn't known: ${seen.key} ${seen.why}`;
      return [findingOf("mirror-silent", seen.key, message)];
    }
    case "last": {
      const findings = setbackFindings(evidence, seen);
      const silence = silenceOf(seen.last, evidence.at, maxSilenceMs);
      if (silence !== null) {
        const level = node.asked && node.known ? "warning" : "unknown";
        findings.push(findingOf("mirror-silent", seen.last.key, silence, { level }));
      }
      return findings;
    }
  }
}

function silenceOf(
  { savedAt, state, intervalMs, writer }: LastAttestation,
  at: number,
  maxSilenceMs: number,
): string | null {
  // One that was begun with a longer interval isn't silent until it has missed its turn.
  const expectedMs = state === "stopped" ? maxSilenceMs : Math.max(maxSilenceMs, 2 * intervalMs);
  if (at - savedAt <= expectedMs) return null;
  const since = new Date(savedAt).toISOString();
  return state === "stopped"
    ? `the last mirror (${writer}) was stopped at ${since}, and none has begun since`
    : `the last that a mirror (${writer}) said of itself is from ${since}: it died, or doesn't hear the node, or can't save its state`;
}

/** What a mirror has read back can't be ahead of what is current. */
function setbackFindings(
  { folder }: Evidence,
  { last, sequenceSince }: Extract<AttestedSeen, { kind: "last" }>,
): Finding[] {
  const { current, store } = folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held } = current.value;
  const { sequence, sha256 } = last.version;
  // What a person has made current since, as repair does, is no setback.
  if (held.savedAt >= last.savedAt) return [];
  const isBehind = sequenceSince !== null && sequenceSince < sequence;
  const isOther = held.sequence === sequence && held.sha256 !== sha256;
  if (!isBehind && !isOther) return [];
  const message = `${store} went back: a mirror has read back sequence ${sequence} there (${last.key}), and ${held.key} is current now`;
  return [findingOf("went-back", store, message)];
}
