import type { HeldVersion } from "../repository/base.ts";
import { isInFuture } from "../repository/times.ts";
import { isCompared } from "./cover.ts";
import type { Evidence } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { standingRefusal } from "./refusals.ts";
import { unreadFinding } from "./unread.ts";

/** A swap under way explains a version beyond the pointer, but not for longer. */
const inFlightMs = 10 * 60_000;

/** Both by clocks that are kept right, milliseconds since 1970. */
export function isInFlight(savedAt: number, now: number): boolean {
  return now - savedAt <= inFlightMs && !isInFuture(savedAt, now);
}

/**
 * Is what is current the newest there is? By its age, by what lies beyond it, and by what a guard held
 * back. A restore of a backup that holds all that the node has needs no such proof.
 */
export function freshnessFindings(evidence: Evidence, { question, maxAgeMs }: Policy): Finding[] {
  const { current } = evidence.folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held, pointer } = current.value;
  const found = [
    ...ageFindings(held, evidence, maxAgeMs),
    // Without a pointer the newest version is current: nothing is beyond it.
    ...(pointer === null ? [] : beyondFindings(held, evidence)),
    ...refusalFindings(held, evidence),
  ];
  if (question === "mirror") return found;
  // A restore asks whether all is in it. The node has said so, or else nobody knows.
  const level = isCompared(evidence) ? "warning" : "unknown";
  return found.map((finding) => (finding.level === "warning" ? finding : { ...finding, level }));
}

function ageFindings(held: HeldVersion, { at }: Evidence, maxAgeMs: number): Finding[] {
  if (isInFuture(held.savedAt, at)) {
    const message = `${held.key} claims to be saved at ${new Date(held.savedAt).toISOString()}, which is later than now: its age isn't known`;
    return [findingOf("time-in-future", held.key, message)];
  }
  const findings: Finding[] = [];
  if (isInFuture(held.committedAt, at)) {
    const message = `the mirror's clock was ahead when it saved ${held.key} (${new Date(held.committedAt).toISOString()}): its age is reckoned by the store's clock`;
    findings.push(findingOf("time-in-future", held.key, message, { level: "warning" }));
  }
  const ageMs = at - held.savedAt;
  if (ageMs > maxAgeMs) {
    const message = `the newest backup is ${span(ageMs)} old, and a running mirror saves one at least every ${span(maxAgeMs)}`;
    findings.push(findingOf("stale", held.key, message));
  }
  return findings;
}

function beyondFindings(held: HeldVersion, { at, folder }: Evidence): Finding[] {
  const { store, beyond } = folder;
  if (!beyond.known) {
    const message = `whether anything newer than ${held.key} is there isn't known: ${beyond.error.message}`;
    return [unreadFinding(store, beyond.error, { message })];
  }
  const later = beyond.value.filter(({ sequence }) => sequence > held.sequence);
  const ahead = later.findLast(({ steps }) => steps > 1);
  if (ahead !== undefined) {
    const message = `the pointer names sequence ${held.sequence}, but there are versions up to sequence ${ahead.sequence}: somebody restored an older pointer, and what was saved since isn't current`;
    return [findingOf("pointer-behind", ahead.key, message)];
  }
  const left = later.findLast(({ savedAt }) => !isInFlight(savedAt, at));
  if (left === undefined) return [];
  const message = `${left.key}, saved ${new Date(left.savedAt).toISOString()}, is newer than what the pointer names and never became current`;
  return [findingOf("version-beyond", left.key, message)];
}

function refusalFindings(held: HeldVersion, { at, folder }: Evidence): Finding[] {
  const { store, refusals } = folder;
  if (!refusals.known) return [unreadFinding(store, refusals.error)];
  const refusal = standingRefusal(refusals.value, held, at);
  if (refusal === null) return [];
  const why = refusal.reason?.message ?? "its reason can't be read";
  const message = `a newer backup was held back and is kept as ${refusal.key}: ${why}`;
  return [findingOf("refused", refusal.key, message)];
}

/** "3 h", or "12 min" below an hour. */
function span(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 1 ? `${Math.max(1, Math.round(hours * 60))} min` : `${Math.round(hours)} h`;
}
