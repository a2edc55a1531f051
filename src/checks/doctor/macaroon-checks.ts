import type { LndCredentials } from "../../node/lnd/credentials.ts";
import { bakeMacaroonCommand } from "../../node/lnd/lnd-calls.ts";
import { type MacaroonRights, readMacaroonRights } from "../../node/lnd/macaroon.ts";
import { excessPermissions, expiryOf, missingCalls } from "../../node/lnd/macaroon-permissions.ts";
import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { type Checkup, type Finding, good, problem, unknown, warning } from "./checkup.ts";

const soonMs = 30 * 24 * 3600 * 1000;
const remedy = `bake one that allows only what is needed: \`${bakeMacaroonCommand}\``;

/** Reads from the macaroon, without asking lnd, which permissions are missing or in excess. */
export async function examineMacaroon(
  checkup: Checkup,
  credentials: LndCredentials,
  clock: Clock,
): Promise<void> {
  const from = credentials.macaroonFrom;
  const rights = await checkup.run(
    "macaroon-needed",
    async () => readMacaroonRights(Buffer.from(await credentials.readMacaroon(), "hex")),
    (found) => neededFinding(found, from),
    (error) =>
      hasCode(error, "decode")
        ? unknown(
            `${from} can't be read without lnd (${error.message}): the calls below show what it allows`,
          )
        : problem(error),
  );
  if (rights instanceof ScbError) return;
  const { level, message } = excessFinding(rights, from);
  checkup.add("macaroon-excess", level, message);
  if (rights.conditions.length === 0) return;
  const limits = conditionsFinding(rights, clock.now());
  checkup.add("macaroon-conditions", limits.level, `${from} ${limits.message}`);
}

function neededFinding(rights: MacaroonRights, from: string): Finding {
  const missing = missingCalls(rights);
  return missing.length === 0
    ? good(`${from} allows everything that is needed`)
    : problem({ message: `${from} doesn't allow ${missing.join(", ")}: ${remedy}` });
}

function excessFinding(rights: MacaroonRights, from: string): Finding {
  const { writes, reads } = excessPermissions(rights);
  if (writes.length > 0) {
    return warning(
      `${from} allows more than reading backups (${some(writes)}): whoever steals it can use your node, and spend where it may write; ${remedy}`,
    );
  }
  if (reads.length > 0) {
    return warning(
      `${from} can't change anything, but can read more than backups and channels (${some(reads)}); ${remedy}`,
    );
  }
  return good(`${from} allows nothing that isn't needed`);
}

function conditionsFinding(rights: MacaroonRights, now: number): Finding {
  const expiry = expiryOf(rights);
  const says = `is valid only under conditions (${some(rights.conditions)})`;
  if (expiry !== null && expiry <= now) {
    return problem({ message: `expired at ${new Date(expiry).toISOString()}: bake a new one` });
  }
  if (expiry !== null && expiry - now < soonMs) {
    return warning(`${says}, and expires soon: bake a new one before then`);
  }
  return warning(`${says}: the mirror stops when they no longer hold`);
}

/** lnd's admin macaroon has ten permissions; a macaroon by method names could fill a screen. */
const mostShown = 12;

function some(names: readonly string[]): string {
  const shown = names.slice(0, mostShown).join(", ");
  return names.length > mostShown ? `${shown} and ${names.length - mostShown} more` : shown;
}
