import type { HeldVersion } from "../repository/base.ts";
import { isInFuture } from "../repository/times.ts";
import { isCompared } from "./cover.ts";
import type { Evidence } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { standingRefusal } from "./refusals.ts";
import { unreadFinding } from "./unread.ts";

/** How long a swap in progress explains a version beyond the pointer. */
const inFlightMs = 10 * 60_000;

/** Both times in milliseconds since 1970, by clocks that are right. */
export function isInFlight(savedAt: number, now: number): boolean {
  return now - savedAt <= inFlightMs && !isInFuture(savedAt, now);
}

/**
 * Is the current version the newest? Judges by its age, by versions beyond it, and by refusals. A restore
 * needs no such proof if the backup holds everything that the node has.
 */
export function freshnessFindings(evidence: Evidence, { question, maxAgeMs }: Policy): Finding[] {
  const { current } = evidence.folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held, pointer } = current.value;
  const found = [
    ...ageFindings(held, evidence, maxAgeMs),
    // Without a pointer the newest version is current, so nothing is beyond it.
    ...(pointer === null ? [] : beyondFindings(held, evidence)),
    ...refusalFindings(held, evidence),
  ];
  if (question === "mirror") return found;
  // A restore needs everything to be in the backup. Only the node can say so.
  const level = isCompared(evidence) ? "warning" : "unknown";
  return found.map((finding) => (finding.level === "warning" ? finding : { ...finding, level }));
}

function ageFindings(held: HeldVersion, { at }: Evidence, maxAgeMs: number): Finding[] {
  if (isInFuture(held.savedAt, at)) {
    const message = `${held.key} claims to be saved at ${new Date(held.savedAt).toISOString()}, which is in the future, so its age isn't known`;
    return [findingOf("time-in-future", held.key, message)];
  }
  const findings: Finding[] = [];
  if (isInFuture(held.committedAt, at)) {
    const message = `the mirror's clock was ahead when it saved ${held.key} (${new Date(held.committedAt).toISOString()}), so its age is taken from the store's clock`;
    findings.push(findingOf("time-in-future", held.key, message, { level: "warning" }));
  }
  const ageMs = at - held.savedAt;
  if (ageMs > maxAgeMs) {
    const message = `the newest backup is ${span(ageMs)} old, but a running mirror saves one at least every ${span(maxAgeMs)}`;
    findings.push(findingOf("stale", held.key, message));
  }
  return findings;
}

function beyondFindings(held: HeldVersion, { at, folder }: Evidence): Finding[] {
  const { store, beyond } = folder;
  if (!beyond.known) {
    const message = `it isn't known whether anything newer than ${held.key} is there: ${beyond.error.message}`;
    return [unreadFinding(store, beyond.error, { message })];
  }
  const later = beyond.value.filter(({ sequence }) => sequence > held.sequence);
  const ahead = later.findLast(({ steps }) => steps > 1);
  if (ahead !== undefined) {
    const message = `the pointer names sequence ${held.sequence}, but there are versions up to sequence ${ahead.sequence}: someone restored an older pointer, and what was saved since then isn't current`;
    return [findingOf("pointer-behind", ahead.key, message)];
  }
  const left = later.findLast(({ savedAt }) => !isInFlight(savedAt, at));
  if (left === undefined) return [];
  const message = `${left.key}, saved ${new Date(left.savedAt).toISOString()}, is newer than the version that the pointer names, but never became current`;
  return [findingOf("version-beyond", left.key, message)];
}

function refusalFindings(held: HeldVersion, { at, folder }: Evidence): Finding[] {
  const { store, refusals } = folder;
  if (!refusals.known) return [unreadFinding(store, refusals.error)];
  const refusal = standingRefusal(refusals.value, held, at);
  if (refusal === null) return [];
  const why = refusal.reason?.message ?? "its reason can't be read";
  const message = `a guard refused a newer backup, which is kept as ${refusal.key}: ${why}`;
  return [findingOf("refused", refusal.key, message)];
}

/** "3 h", or "12 min" below an hour. */
function span(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 1 ? `${Math.max(1, Math.round(hours * 60))} min` : `${Math.round(hours)} h`;
}
