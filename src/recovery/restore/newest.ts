import type { FolderEvidence } from "../../checks/evidence.ts";
import type { Finding, Verdict } from "../../checks/finding.ts";
import { judge } from "../../checks/verdict.ts";

/** Whether a version is the newest there is, and what keeps us from saying so. */
export interface NewestClaim {
  readonly isNewest: boolean;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** Those of them that keep us from saying it. */
  readonly doubts: readonly Finding[];
}

/**
 * Judges whether the version with this key is the newest, by what was seen of its folder. Whoever
 * restores has to wait for no swap under way: whatever lies beyond the pointer may be newer, and a
 * wrong time proves nothing. `at`: when it was seen, milliseconds since 1970.
 */
export function newestClaim(key: string, folder: FolderEvidence, at: number): NewestClaim {
  const nobody = { asked: false } as const;
  // How old it is says nothing of whether there is a newer one.
  const policy = { question: "mirror", maxAgeMs: Infinity, maxSilenceMs: null } as const;
  const { verdict, findings } = judge({ at, folder, node: nobody, file: nobody }, policy);
  const { current, beyond } = folder;
  const held = current.known && current.value.kind === "held" ? current.value.held : null;
  const doubts = findings.filter(
    ({ code, level }) => level !== "warning" || code === "time-in-future",
  );
  const isNewest =
    doubts.length === 0 && held?.key === key && beyond.known && beyond.value.length === 0;
  return { isNewest, verdict, findings, doubts };
}
