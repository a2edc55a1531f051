import type { FolderEvidence } from "../../checks/evidence.ts";
import type { Finding, Verdict } from "../../checks/finding.ts";
import { judge } from "../../checks/verdict.ts";

/** Whether a version is known to be the newest and, if not, why not. */
export interface NewestClaim {
  readonly isNewest: boolean;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** The findings because of which it isn't known. */
  readonly doubts: readonly Finding[];
}

/**
 * Judges from what was seen of its folder whether the version with this key is the newest. Unlike the
 * verdict, it grants no time to a swap in flight: any version beyond the pointer may be newer. `at`: when
 * the folder was seen, milliseconds since 1970.
 */
export function newestClaim(key: string, folder: FolderEvidence, at: number): NewestClaim {
  const nobody = { asked: false } as const;
  // Age doesn't matter: an old version may still be the newest.
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
