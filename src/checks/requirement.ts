/** How many of several stores must hold the node's state. */
export type Requirement = "all" | "majority" | number;

/** Of `count` stores. A number above that can't be met: the verdict is never "safe" then. */
export function neededOf(requirement: Requirement, count: number): number {
  if (requirement === "all") return count;
  return requirement === "majority" ? Math.floor(count / 2) + 1 : requirement;
}
