import { type Guard, refuseEmpty, refuseMalformed, refuseUnverifiedShrink } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { refuseWorse } from "./refuse-worse.ts";

/** What a mirror's candidates pass, in order: the cheapest first. */
export function mirrorGuards(heldBackups: HeldBackups, isEmptyAccepted: () => boolean): Guard[] {
  return [
    refuseMalformed,
    refuseEmpty(isEmptyAccepted, heldBackups),
    refuseUnverifiedShrink,
    refuseWorse(heldBackups),
  ];
}
