import type { LimboChannel } from "../chanbackup/snapshot.ts";
import type { Evidence, NodeEvidence, OpenedSeen, VersionSeen } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";

/** Which of a node's channels, and of its locked funds, a restore would bring back. */
export interface Cover {
  /** In the current version. */
  readonly held: ReadonlySet<string>;
  /** In the older versions that a restore also needs. */
  readonly also: ReadonlySet<string>;
  /**
   * Open but not in the current version; or restored in the node, and in nothing that would be restored
   * again.
   */
  readonly missing: readonly string[];
  /** Closed, with funds that haven't reached the wallet, and in nothing that would be restored. */
  readonly missingLimbo: readonly LimboChannel[];
}

/** Null if no node was asked, or if either side of the comparison isn't known. */
export function coverOf({ folder, node }: Evidence): Cover | null {
  const opened = folder.version && openedPoints(folder.version);
  if (!node.asked || !node.known || opened === null) return null;
  const held = new Set(opened);
  const also = new Set(folder.also.flatMap((version) => openedPoints(version) ?? []));
  const { open, restored, limbo } = node.value;
  const isLost = (point: string): boolean => !held.has(point) && !also.has(point);
  const missing = [...open.filter((point) => !held.has(point)), ...restored.filter(isLost)];
  return {
    held,
    also,
    missing: [...new Set(missing)],
    missingLimbo: limbo.filter(({ channelPoint }) => isLost(channelPoint)),
  };
}

/** Whether a comparison with the node showed that a restore would bring back everything it has. */
export function isCompared(evidence: Evidence): boolean {
  const cover = coverOf(evidence);
  return cover !== null && cover.missing.length === 0 && cover.missingLimbo.length === 0;
}

/** The channels in a version, according to the node, or else the key. Null if neither opened it. */
export function openedPoints({ reading, byNode, byKey }: VersionSeen): readonly string[] | null {
  if (!reading.known || reading.value === "missing" || reading.value === "damaged") return null;
  const opened = [byNode, byKey].flatMap((seen): OpenedSeen[] =>
    seen.asked && seen.known ? [seen.value] : [],
  );
  return opened.find((seen) => seen.kind === "opened")?.channelPoints ?? null;
}

/** Compares what would be restored with what the node or the watched file has. */
export function coverFindings(evidence: Evidence): Finding[] {
  const { folder, node } = evidence;
  if (!folder.current.known || folder.current.value.kind !== "held") return [];
  const findings = fileFindings(evidence);
  if (!node.asked || !node.known) return findings;
  const { store } = folder;
  const cover = coverOf(evidence);
  if (cover === null) {
    // A version that is missing or doesn't open has a finding already.
    const { version } = folder;
    if (version === null || !version.reading.known || version.byNode.asked) return findings;
    if (version.reading.value === "missing" || version.reading.value === "damaged") return findings;
    const message =
      "the backup couldn't be compared with the node's channels, because nothing opened it";
    return [...findings, findingOf("not-compared", store, message)];
  }
  const { open, restored, limbo } = node.value;
  if (cover.missing.length > 0) {
    const message = `${cover.missing.length} of the node's ${open.length + restored.length} channels are not in the backup (${some(cover.missing)})`;
    findings.push(findingOf("not-covered", store, message));
  }
  if (cover.missingLimbo.length > 0) {
    const sat = cover.missingLimbo.reduce((sum, { limboSat }) => sum + limboSat, 0);
    const points = cover.missingLimbo.map(({ channelPoint }) => channelPoint);
    const message = `${sat} sat of ${points.length} of the ${limbo.length} closed channels whose funds haven't reached the wallet would be lost with the node (${some(points)})`;
    findings.push(findingOf("limbo-not-covered", store, message));
  }
  if (restored.length > 0) {
    const message = `the node knows ${restored.length} channels only from a backup, and is waiting for their peers to close them`;
    findings.push(findingOf("node-restored", store, message));
  }
  return [...findings, ...surplusFindings(store, cover, node.value)];
}

/** Channels that the backup has and the node hasn't: the node either says that they closed, or forgot them. */
function surplusFindings(
  store: string,
  { held }: Cover,
  { open, restored, limbo, closed }: NodeEvidence,
): Finding[] {
  const known = new Set([...open, ...restored, ...limbo.map(({ channelPoint }) => channelPoint)]);
  const surplus = [...held].filter((point) => !known.has(point));
  if (surplus.length === 0) return [];
  if (!closed.known) {
    const message = `the backup holds ${surplus.length} channels that aren't open, and it isn't known whether they were closed: ${closed.error.message}`;
    return [findingOf("not-compared", store, message)];
  }
  const over = new Set(closed.value);
  const unknown = surplus.filter((point) => !over.has(point));
  if (unknown.length === 0) return [];
  const message = `the backup holds ${unknown.length} channels that the node has never heard of (${some(unknown)})`;
  return [findingOf("unknown-channels", store, message)];
}

/** The file must have the saved bytes or, if it was decrypted, no channel that the store lacks. */
function fileFindings({ folder, file }: Evidence): Finding[] {
  if (!file.asked || !folder.current.known || folder.current.value.kind !== "held") return [];
  const { store } = folder;
  if (!file.known) return [findingOf("node-unread", store, file.error.message)];
  const { held } = folder.current.value;
  const { path, sha256, channelPoints } = file.value;
  if (sha256 === held.sha256) return [];
  const stored = folder.version === null ? null : openedPoints(folder.version);
  if (channelPoints !== null && stored !== null) {
    const there = new Set(stored);
    if (channelPoints.every((point) => there.has(point))) return [];
  }
  const message = `${path} differs from the current version in ${store} (${held.key})`;
  return [findingOf("file-not-saved", store, message)];
}

function some(points: readonly string[]): string {
  return `${points.slice(0, 3).join(", ")}${points.length > 3 ? ", …" : ""}`;
}
