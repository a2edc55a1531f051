import { decodeTime } from "ulid";
import type { HeldVersion } from "../repository/base.ts";
import { parseVersionKey } from "../repository/layout.ts";
import { isInFuture } from "../repository/times.ts";
import type { RefusalSeen } from "./evidence.ts";

/**
 * The newest refusal that still stands against the current version: either it would have replaced that
 * version, or it came after that version's swap began. Ids tell which came first, because a store's times
 * are too coarse. An id from the future proves nothing; then the sequence that was to be replaced decides.
 * Null if none stands. `refusals`: newest first.
 */
export function standingRefusal(
  refusals: readonly RefusalSeen[],
  held: HeldVersion,
  now: number,
): RefusalSeen | null {
  const begun = parseVersionKey(held.key)?.operation ?? "";
  const isWrong = (id: string): boolean => id !== "" && isInFuture(decodeTime(id), now);
  const stands = ({ operation, reason }: RefusalSeen): boolean => {
    // It has been accepted since, perhaps on a machine whose clock is behind.
    if (reason?.sha256 === held.sha256) return false;
    if (reason?.base?.key === held.key) return true;
    if (isWrong(operation) || isWrong(begun)) {
      return (reason?.base?.sequence ?? 0) >= held.sequence;
    }
    return operation > begun;
  };
  return refusals.find(stands) ?? null;
}
