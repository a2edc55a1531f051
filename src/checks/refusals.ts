import { decodeTime } from "ulid";
import type { HeldVersion } from "../repository/base.ts";
import { parseVersionKey } from "../repository/layout.ts";
import { isInFuture } from "../repository/times.ts";
import type { RefusalSeen } from "./evidence.ts";

/**
 * The newest refusal that stands against what is current now: it was to replace that version, or it
 * came after that version's swap was begun. Ids say which came first, for a store's times are too
 * coarse; one that claims to be from the future says nothing, and then the sequence that it was held
 * back against has to do. Null if none stands. `refusals` newest first.
 */
export function standingRefusal(
  refusals: readonly RefusalSeen[],
  held: HeldVersion,
  now: number,
): RefusalSeen | null {
  const begun = parseVersionKey(held.key)?.operation ?? "";
  const isWrong = (id: string): boolean => id !== "" && isInFuture(decodeTime(id), now);
  const stands = ({ operation, reason }: RefusalSeen): boolean => {
    // It was accepted since, maybe on a machine whose clock is behind.
    if (reason?.sha256 === held.sha256) return false;
    if (reason?.base?.key === held.key) return true;
    if (isWrong(operation) || isWrong(begun)) {
      return (reason?.base?.sequence ?? 0) >= held.sequence;
    }
    return operation > begun;
  };
  return refusals.find(stands) ?? null;
}
