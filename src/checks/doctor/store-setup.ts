import { versionsPrefix } from "../../repository/layout.ts";
import { newOperationId } from "../../repository/operation-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import type {
  DeleteRights,
  InspectionRights,
  StoreInspection,
  StoreSurvey,
} from "../../store/store-inspection.ts";
import { type Checkup, type Finding, good, problem, unknown, warning } from "./checkup.ts";

/** From this skew on, S3 and Azure refuse requests. */
const refusedSkewMs = 15 * 60_000;
const worthyOfNoteSkewMs = 30_000;

/** How is the bucket set up, and what may these credentials do that a mirror doesn't need? */
export async function examineSetup(
  checkup: Checkup,
  inspection: StoreInspection,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const survey = await checkup.run(
    "store-clock",
    (signal) => inspection.survey({ signal }),
    ({ clockSkewMs }) => clockFinding(clockSkewMs),
  );
  if (survey instanceof ScbError) return;
  const { versioning, objectLock } = survey;
  note(checkup, "store-versioning", versioningFinding(versioning, inspection.rights));
  note(checkup, "store-object-lock", lockFinding(objectLock, inspection.rights));

  // This key never held anything, but a credential that may delete it could delete a backup.
  const key = `${versionsPrefix}doctor-${newOperationId(clock, random)}`;
  await checkup.run(
    "store-delete",
    (signal) => inspection.mayDelete(key, { signal }),
    (may) => deleteFinding(may, versioning, key, inspection.rights),
  );
}

function note(checkup: Checkup, name: string, { level, message }: Finding): void {
  checkup.add(name, level, message);
}

function clockFinding(skewMs: number | null): Finding {
  if (skewMs === null) return unknown("the store doesn't report its time");
  const off = Math.abs(Math.round(skewMs / 1000));
  const says = `this machine's clock is ${off} s ${skewMs > 0 ? "ahead of" : "behind"} the store's`;
  if (Math.abs(skewMs) < worthyOfNoteSkewMs) return good(says);
  const remedy = "correct it, and keep it right with NTP";
  return Math.abs(skewMs) < refusedSkewMs
    ? warning(`${says}: ${remedy} (from 15 min on, stores refuse every request)`)
    : problem({ message: `${says}: ${remedy}` });
}

function versioningFinding(
  versioning: StoreSurvey["versioning"],
  rights: InspectionRights,
): Finding {
  switch (versioning) {
    case "on":
      return good("the bucket keeps versions: overwritten or deleted objects can be recovered");
    case "suspended":
      return warning(
        "the bucket's versioning is suspended: turn it on again, so that you can recover what a stolen credential overwrites or deletes",
      );
    case "off":
      return warning(
        "the bucket keeps no versions: turn versioning on, so that you can recover what a stolen credential overwrites or deletes",
      );
    case "unknown":
      return unknown(
        `it isn't known whether the bucket keeps versions: these credentials may not ask (${rights.versioning}), or the service doesn't say; make sure that it does`,
      );
  }
}

function lockFinding(lock: StoreSurvey["objectLock"], rights: InspectionRights): Finding {
  switch (lock.kind) {
    case "on":
      return lock.retention === null
        ? warning(
            "the bucket has object lock, but no default retention, so it locks nothing: set one (for example, 30 days)",
          )
        : good(
            `the bucket has object lock (${lock.retention}): nobody can delete what was written within that period`,
          );
    case "off":
      return good("the bucket has no object lock; a mirror doesn't need it");
    case "unknown":
      return unknown(
        `it isn't known whether the bucket has object lock: these credentials may not ask (${rights.objectLock}), or the service doesn't say`,
      );
  }
}

function deleteFinding(
  may: DeleteRights,
  versioning: StoreSurvey["versioning"],
  key: string,
  rights: InspectionRights,
): Finding {
  const remedy = `take ${rights.deleting}: a mirror doesn't need more, and a stolen credential that can't delete can't lose you a backup`;
  const left = may.leftMarker
    ? ` (the check left a delete marker on ${key}, which held nothing)`
    : "";
  if (may.versions || (may.objects && versioning === "off")) {
    return warning(`these credentials may permanently delete backups${left}: ${remedy}`);
  }
  if (may.objects) {
    const effect =
      versioning === "on"
        ? "hide backups, but not remove their versions"
        : "delete backups, or hide them if the bucket keeps versions";
    return warning(`these credentials may ${effect}${left}: ${remedy}`);
  }
  return good("these credentials may not delete backups");
}
