import { type Guard, refuseEmpty, refuseMalformed, refuseUnverifiedShrink } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { refuseWorse } from "./refuse-worse.ts";
import { refuseWorseThanElsewhere, type SeenElsewhere } from "./refuse-worse-than-elsewhere.ts";

/** What a mirror's candidates pass, in order: the cheapest first. `elsewhere`: the node's other stores. */
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
