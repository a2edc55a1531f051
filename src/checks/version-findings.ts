import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import { openedPoints } from "./cover.ts";
import type { Evidence, FolderEvidence, VersionSeen } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { unreadFinding } from "./unread.ts";

/** Are the bytes that a restore would use there, and do the key and the node open them? */
export function versionFindings(evidence: Evidence, policy: Policy): Finding[] {
  const { store, current, version, also } = evidence.folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held } = current.value;
  if (version === null) {
    return [findingOf("store-unread", store, `${store}/${held.key} wasn't read back`)];
  }
  const findings = [
    ...readingFindings(evidence.folder, version, policy),
    ...openingFindings(evidence, version),
  ];
  const isOpened = [version.byKey, version.byNode].some((opened) => opened.asked);
  if (policy.question === "restore" && isThere(version) && !isOpened) {
    const empty =
      held.sizeBytes === emptyMultiSizeBytes
        ? "the backup is empty, judging by its size, and "
        : "";
    findings.push(findingOf("not-opened", store, `${empty}there was no key or node to open it`));
  }
  for (const needed of held.alsoRestore) {
    const seen = also.find(({ key }) => key === needed.key);
    findings.push(...alsoFindings(evidence, needed, seen, policy));
  }
  return findings;
}

/** It was read, and isn't known to differ from what was saved. */
function isThere({ reading }: VersionSeen): boolean {
  return reading.known && reading.value !== "missing" && reading.value !== "damaged";
}

function readingFindings(
  { store }: FolderEvidence,
  version: VersionSeen,
  policy: Policy,
): Finding[] {
  const { key, reading } = version;
  const where = `${store}/${key}`;
  if (!reading.known) return [unreadFinding(key, reading.error, policy)];
  switch (reading.value) {
    case "whole":
      return [];
    case "missing":
      return [findingOf("version-missing", key, `${where}, which is current, is missing`)];
    case "damaged":
      return [
        findingOf(
          "version-damaged",
          key,
          `${where} holds ${version.sizeBytes ?? "other"} bytes that aren't the ones that were saved`,
        ),
      ];
    case "unproven":
      return openedPoints(version) !== null
        ? []
        : [
            findingOf(
              "version-unproven",
              key,
              `nothing records what the bytes of ${where} should be`,
            ),
          ];
  }
}

function openingFindings({ folder, node }: Evidence, version: VersionSeen): Finding[] {
  const { store } = folder;
  const { key, byKey, byNode } = version;
  // A missing version has a finding already.
  if (!isThere(version)) return [];
  const findings: Finding[] = [];
  if (byKey.asked && !byKey.known) findings.push(findingOf("not-opened", key, byKey.error.message));
  if (byKey.asked && byKey.known && byKey.value.kind === "sealed") {
    const message = `the key doesn't open ${store}/${key}: ${byKey.value.error.message}`;
    findings.push(findingOf("wrong-key", key, message));
  }
  // A node that doesn't answer at all has a finding already.
  const isAway = node.asked && !node.known;
  if (byNode.asked && !byNode.known && !isAway) {
    const message = `the node didn't open ${store}/${key}: ${byNode.error.message}`;
    findings.push(findingOf("not-compared", key, message));
  }
  if (byNode.asked && byNode.known && byNode.value.kind === "sealed") {
    const message = `the node can't open ${store}/${key}, so it would restore nothing: ${byNode.value.error.message}`;
    findings.push(findingOf("sealed", key, message));
  }
  return findings;
}

/** What the pointer says about an older version is only a claim, which the version has to confirm. */
function alsoFindings(
  evidence: Evidence,
  { key, channelPoints }: AlsoRestore,
  seen: VersionSeen | undefined,
  policy: Policy,
): Finding[] {
  const { folder } = evidence;
  const funds =
    channelPoints.length === 1
      ? "1 closed channel"
      : `${channelPoints.length || "some"} closed channels`;
  const which = `${folder.store}/${key}, which a restore needs for the funds of ${funds},`;
  if (seen === undefined) return [findingOf("store-unread", key, `${which} wasn't read back`)];
  if (!seen.reading.known) {
    const message = `${which} couldn't be read back: ${seen.reading.error.message}`;
    return [unreadFinding(key, seen.reading.error, { ...policy, message })];
  }
  if (!isThere(seen)) {
    const what =
      seen.reading.value === "missing" ? "is missing" : "doesn't hold the bytes that were saved";
    return [findingOf("also-missing", key, `${which} ${what}`)];
  }
  const findings = [...readingFindings(folder, seen, policy), ...openingFindings(evidence, seen)];
  const opened = openedPoints(seen);
  const lacking = opened === null ? [] : channelPoints.filter((point) => !opened.includes(point));
  if (lacking.length > 0) {
    const message = `${which} lacks ${lacking.length} of them`;
    findings.push(findingOf("also-missing", key, message));
  }
  return findings;
}
