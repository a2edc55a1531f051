import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { FolderEvidence, VersionSeen } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Policy } from "./policy.ts";

/** Are the bytes there that a restore would take, and does everything that was given open them? */
export function versionFindings(folder: FolderEvidence, { question }: Policy): Finding[] {
  const { store, current, version, also } = folder;
  if (!current.known || current.value.kind !== "held") return [];
  const { held } = current.value;
  if (version === null) {
    return [findingOf("store-unread", store, `${store}/${held.key} was not read back`)];
  }
  const findings = [...readingFindings(folder, version), ...openingFindings(folder, version)];
  const isOpened = [version.byKey, version.byNode].some((opened) => opened.asked);
  if (question === "restore" && !isOpened) {
    const empty =
      held.sizeBytes === emptyMultiSizeBytes ? "the backup is empty by its size, and " : "";
    findings.push(findingOf("not-opened", store, `${empty}nothing was given that could open it`));
  }
  for (const needed of held.alsoRestore) {
    const seen = also.find(({ key }) => key === needed.key);
    if (seen !== undefined && isSound(seen)) continue;
    const what = seen?.reading.known === true ? `is ${seen.reading.value}` : "was not read back";
    const funds = `${needed.channelPoints.length || "some"} closed channels`;
    const message = `${store}/${needed.key}, which holds funds of ${funds}, ${what}`;
    const level = seen?.reading.known === true ? "problem" : "unknown";
    findings.push(findingOf("also-missing", needed.key, message, { level }));
  }
  return findings;
}

/** Whole, or opened by somebody though nothing says what was saved. */
function isSound({ reading, byKey, byNode }: VersionSeen): boolean {
  if (!reading.known) return false;
  if (reading.value === "whole") return true;
  return (
    reading.value === "unproven" &&
    [byKey, byNode].some((it) => it.asked && it.known && it.value.kind === "opened")
  );
}

function readingFindings({ store }: FolderEvidence, version: VersionSeen): Finding[] {
  const { key, reading } = version;
  const where = `${store}/${key}`;
  if (!reading.known) return [findingOf("store-unread", key, reading.error.message)];
  switch (reading.value) {
    case "whole":
      return [];
    case "missing":
      return [findingOf("version-missing", key, `${where}, which is named as current, is gone`)];
    case "damaged":
      return [
        findingOf(
          "version-damaged",
          key,
          `${where} holds bytes that are not the ones that were saved`,
        ),
      ];
    case "unproven":
      return isSound(version)
        ? []
        : [findingOf("version-unproven", key, `nothing says what the bytes of ${where} should be`)];
  }
}

function openingFindings({ store }: FolderEvidence, version: VersionSeen): Finding[] {
  const { key, reading, byKey, byNode } = version;
  const findings: Finding[] = [];
  // What isn't there was told already.
  if (!reading.known || reading.value === "missing" || reading.value === "damaged") return [];
  if (byKey.asked && !byKey.known) findings.push(findingOf("not-opened", key, byKey.error.message));
  if (byKey.asked && byKey.known && byKey.value.kind === "sealed") {
    const message = `the key doesn't open ${store}/${key}: ${byKey.value.error.message}`;
    findings.push(findingOf("wrong-key", key, message));
  }
  if (byNode.asked && !byNode.known) {
    const message = `the node did not open ${store}/${key}: ${byNode.error.message}`;
    findings.push(findingOf("not-compared", key, message));
  }
  if (byNode.asked && byNode.known && byNode.value.kind === "sealed") {
    const message = `the node cannot open ${store}/${key}, so it would restore nothing: ${byNode.value.error.message}`;
    findings.push(findingOf("sealed", key, message));
  }
  return findings;
}
