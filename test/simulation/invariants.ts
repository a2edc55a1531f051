/**
 * What must hold. I1 to I8 are those of docs/protocol.md; the others are what the mirror promises besides.
 */
export const invariants = {
  I1: "the pointer's target exists, and its size and sha256 match, at every moment",
  I2: "an acknowledged swap stays in the lineage",
  I3: "sequence grows by one; the node's state never goes back",
  I4: "one key, one byte string",
  I5: "an operation commits at most once",
  I6: "a failed or unknown outcome deletes nothing",
  I7: "once faults stop, the pointer comes to hold the node's last state",
  I8: "prune never removes what the pointer or its retained history names",
  stops: "a mirror stops only for what a person has to mend",
  saved: "a mirror that stopped when it was told to has saved what it knew",
  guards: "what a guard refuses never becomes current",
  refresh: "without any change, a backup is saved anew within the refresh interval",
  claims: "what a mirror says of the store was true when it read it, and it has read it",
  alarm: "a mirror whose store went back says so before it swaps again",
  limbo: "the pointer goes on naming what holds funds in limbo, and nothing else",
  base: "what becomes current was taken from the node after what it replaces had become current",
  delay: "no store waits for another, and each is level within 2 s and a swap of its return",
  elsewhere: "no store takes what is worse than what its mirror knows of another",
  node: "who asks the node at the same moment shares one answer, and that is newer than each question",
  verdict: "a verdict is safe only if that was true, and becomes safe again once it is",
} as const;

export type InvariantName = keyof typeof invariants;

export interface Violation {
  readonly invariant: InvariantName;
  readonly message: string;
}

export type Fail = (invariant: InvariantName, message: string) => void;
