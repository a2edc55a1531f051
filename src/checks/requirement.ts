/** How many of several stores must hold the node's state. */
export type Requirement = "all" | "majority" | number;

/** How many of `count` stores. A higher number can't be met, and the verdict is then never "safe". */
export function neededOf(requirement: Requirement, count: number): number {
  if (requirement === "all") return count;
  return requirement === "majority" ? Math.floor(count / 2) + 1 : requirement;
}
