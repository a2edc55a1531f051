import type { LastAttestation } from "../repository/mirror-record.ts";
import type { AttestedSeen, Evidence } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { unreadFinding } from "./unread.ts";

/**
 * Is a mirror watching the node? Judges by the newest attestation. If the node was asked, it shows what is
 * saved, so silence is only a warning then. If there never was an attestation, the age of the backup has to
 * do: that can't be told from an attestation that someone removed.
 */
export function silenceFindings(evidence: Evidence, { maxSilenceMs }: Policy): Finding[] {
  const { folder, node } = evidence;
  const { store, attested, current } = folder;
  if (maxSilenceMs === null) return [];
  // A store that shows nothing at all has a finding already.
  if (!attested.known) return current.known ? [unreadFinding(store, attested.error)] : [];
  const seen = attested.value;
  switch (seen.kind) {
    case "none":
      return [];
    case "unclear": {
      const message = `it isn't known whether a mirror is watching the node: ${seen.key} ${seen.why}`;
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
  // A mirror with a longer interval isn't silent until it has missed its turn.
  const expectedMs = state === "stopped" ? maxSilenceMs : Math.max(maxSilenceMs, 2 * intervalMs);
  if (at - savedAt <= expectedMs) return null;
  const since = new Date(savedAt).toISOString();
  return state === "stopped"
    ? `the last mirror (${writer}) was stopped at ${since}, and none has started since`
    : `no mirror has reported since ${since} (${writer}): it died, or can't hear the node, or can't save its state`;
}

/** A mirror can't have read back more than what is current, unless the store went back. */
function setbackFindings(
  { folder }: Evidence,
  { last, sequenceSince }: Extract<AttestedSeen, { kind: "last" }>,
): Finding[] {
  const { current, store } = folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held } = current.value;
  const { sequence, sha256 } = last.version;
  // A version that a person has made current since then, for example with repair, is no setback.
  if (held.savedAt >= last.savedAt) return [];
  const isBehind = sequenceSince !== null && sequenceSince < sequence;
  const isOther = held.sequence === sequence && held.sha256 !== sha256;
  if (!isBehind && !isOther) return [];
  const message = `${store} went back: a mirror has read back sequence ${sequence} there (${last.key}), but ${held.key} is current now`;
  return [findingOf("went-back", store, message)];
}
