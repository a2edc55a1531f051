import type { Dialler } from "../../node/peer-dialler.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { CollectOptions } from "../collect.ts";

/** `store` must be opened with the credential that a real recovery would use. */
export interface DrillOptions extends Omit<CollectOptions, "now"> {
  /** The public key of the node that is asked; null if not known. */
  readonly pubkey?: string | null | undefined;
  /** Tries the peers' addresses. If absent, they are only listed. */
  readonly dialler?: Dialler | undefined;
  /** If the backup is older and no node confirms that it is complete, the verdict is "unknown". */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly random: Random;
}
