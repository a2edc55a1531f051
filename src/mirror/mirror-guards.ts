import { type Guard, refuseEmpty, refuseMalformed, refuseUnverifiedShrink } from "./guard.ts";
import { HeldBackups, type HeldBackupsOptions } from "./held-backups.ts";
import { refuseWorse } from "./refuse-worse.ts";

/** What a mirror's candidates pass, in order: the cheapest first. */
export function mirrorGuards(options: HeldBackupsOptions, isEmptyAccepted: () => boolean): Guard[] {
  const heldBackups = new HeldBackups(options);
  return [
    refuseMalformed,
    refuseEmpty(isEmptyAccepted, heldBackups),
    refuseUnverifiedShrink,
    refuseWorse(heldBackups),
  ];
}
