import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import type { LoadedKey } from "../../keychain/loaded-key.ts";
import { fetchBackup } from "../../repository/fetch-backup.ts";
import { explainWrongKey, nodePubkeyOf } from "../../repository/wrong-key.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { checkStatus, type StatusReport } from "../status.ts";
import { type Checkup, type Finding, good, problem, unknown, warning } from "./checkup.ts";

export interface BackupExamination {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Its name. */
  readonly node: string;
  readonly maxAgeMs: number;
  /** The running node, where it answers. */
  readonly witness: NodeWitness | null;
  readonly key: LoadedKey | null;
  readonly clock: Clock;
}

/** Is the current backup whole and fresh, does it hold the node's channels, does the key open it? */
export async function examineBackup(
  checkup: Checkup,
  { store, node, maxAgeMs, witness, key, clock }: BackupExamination,
): Promise<void> {
  const report = await checkup.run(
    "backup",
    (signal) =>
      checkStatus({ store, node, maxAgeMs, witness: witness ?? undefined, clock, signal }),
    backupFinding,
  );
  if (report instanceof ScbError || report.latest === null) return;
  const cover = coverFinding(report);
  checkup.add("cover", cover.level, cover.message);
  if (key === null) return;
  await checkup.run(
    "key-opens-backup",
    async (signal) => {
      const { encrypter } = key;
      try {
        return await fetchBackup({ store, which: "latest", encrypter, signal });
      } catch (error) {
        throw explainWrongKey(error, key, await nodePubkeyOf(store, node, { signal }));
      }
    },
    ({ channels }) => good(`the key opens the current backup: ${channels} channels`),
  );
}

function backupFinding({ problems, latest, ageSeconds }: StatusReport): Finding {
  const found = problems.filter(({ code }) => code !== "not-covered");
  if (found.some(({ code }) => code === "no-backup")) {
    return warning(found.map(({ message }) => message).join("; "));
  }
  if (found.length > 0) {
    return problem({ message: found.map(({ code, message }) => `${code}: ${message}`).join("; ") });
  }
  const age = `${Math.round((ageSeconds ?? 0) / 60)} min`;
  return good(
    `the current backup, sequence ${latest?.sequence}, was read back whole; it was saved ${age} ago`,
  );
}

function coverFinding({ covered, problems }: StatusReport): Finding {
  if (covered === true)
    return good("the current backup holds every channel that the node has open");
  if (covered === null) {
    return unknown(
      "whether the current backup holds every open channel is not known: the node was not asked (--from lnd)",
    );
  }
  const gap = problems.find(({ code }) => code === "not-covered");
  return problem({
    message: gap?.message ?? "the current backup does not hold every open channel",
  });
}
