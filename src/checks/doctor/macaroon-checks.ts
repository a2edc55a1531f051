import type { LndCredentials } from "../../node/lnd/credentials.ts";
import { bakeMacaroonCommand } from "../../node/lnd/lnd-calls.ts";
import { type MacaroonRights, readMacaroonRights } from "../../node/lnd/macaroon.ts";
import { excessPermissions, expiryOf, missingCalls } from "../../node/lnd/macaroon-permissions.ts";
import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { type Checkup, type Finding, good, problem, unknown, warning } from "./checkup.ts";

const soonMs = 30 * 24 * 3600 * 1000;
const remedy = `make one that allows just what is needed: \`${bakeMacaroonCommand}\``;

/** What the macaroon allows, read from it without asking lnd: what lacks, and what is too much. */
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
            `${from} cannot be read without lnd (${error.message}): the calls below show what it allows`,
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
    ? good(`${from} allows all that is needed`)
    : problem({ message: `${from} does not allow ${missing.join(", ")}: ${remedy}` });
}

function excessFinding(rights: MacaroonRights, from: string): Finding {
  const { writes, reads } = excessPermissions(rights);
  if (writes.length > 0) {
    return warning(
      `${from} allows more than to read backups (${some(writes)}): whoever steals it can use your node, and spend where it may write; ${remedy}`,
    );
  }
  if (reads.length > 0) {
    return warning(
      `${from} changes nothing, but reads more than backups and channels (${some(reads)}); ${remedy}`,
    );
  }
  return good(`${from} allows nothing that is not needed`);
}

function conditionsFinding(rights: MacaroonRights, now: number): Finding {
  const expiry = expiryOf(rights);
  const says = `holds only under conditions (${some(rights.conditions)})`;
  if (expiry !== null && expiry <= now) {
    return problem({ message: `has expired, ${new Date(expiry).toISOString()}: bake a new one` });
  }
  if (expiry !== null && expiry - now < soonMs) {
    return warning(`${says}, and expires soon: bake a new one before that`);
  }
  return warning(`${says}: the mirror stops when they no longer hold`);
}

/** lnd's own admin macaroon has ten; a list by method names would fill a screen. */
const mostShown = 12;

function some(names: readonly string[]): string {
  const shown = names.slice(0, mostShown).join(", ");
  return names.length > mostShown ? `${shown} and ${names.length - mostShown} more` : shown;
}
