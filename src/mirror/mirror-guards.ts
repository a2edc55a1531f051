import { type Guard, refuseEmpty, refuseMalformed, refuseUnverifiedShrink } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { refuseWorse } from "./refuse-worse.ts";
import { refuseWorseThanElsewhere, type SeenElsewhere } from "./refuse-worse-than-elsewhere.ts";

/** A mirror's guards, cheapest first. `elsewhere` gives what the node's other stores hold. */
export function mirrorGuards(
  heldBackups: HeldBackups,
  isEmptyAccepted: () => boolean,
  elsewhere: () => readonly SeenElsewhere[] = () => [],
): Guard[] {
  return [
    refuseMalformed,
    refuseEmpty(isEmptyAccepted, heldBackups),
    refuseUnverifiedShrink,
    refuseWorse(heldBackups),
    refuseWorseThanElsewhere(elsewhere, heldBackups, isEmptyAccepted),
  ];
}
