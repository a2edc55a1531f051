import type { Dialler } from "../../node/peer-dialler.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { CollectOptions } from "../collect.ts";

/** The store is opened with the credential that an emergency would use. */
export interface DrillOptions extends Omit<CollectOptions, "now"> {
  /** The public key of the node that is asked; null if it doesn't tell. */
  readonly pubkey?: string | null | undefined;
  /** Tries the peers' addresses. Absent: they are only shown. */
  readonly dialler?: Dialler | undefined;
  /** An older backup, that no node says is complete, leaves the verdict open. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly random: Random;
}
