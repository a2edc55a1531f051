import { openLnd } from "../app/open-lnd.ts";
import { isEmptyMulti } from "../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { OutputTarget } from "../recovery/output-file.ts";
import type { AlsoBackup } from "../recovery/restore/also-backups.ts";
import {
  alsoFile,
  checkBackupTarget,
  lncli,
  restoreCommand,
  writeBackupFile,
} from "../recovery/restore/backup-file.ts";
import { handOver } from "../recovery/restore/hand-over.ts";
import type { RestoredBackup } from "../repository/fetch-backup.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import { ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";

export type DeliveryTarget =
  | { readonly kind: "file"; readonly target: OutputTarget }
  | { readonly kind: "stdout" }
  | { readonly kind: "lnd" };

/** An older version that is also needed, and what happened to it. */
export interface DeliveredAlso extends AlsoBackup {
  /** Null if it wasn't written to a file. */
  readonly file: string | null;
  /** It was written to a file or restored into the node. */
  readonly isDelivered: boolean;
}

/** Where the backups went. */
export interface Delivery {
  readonly kind: DeliveryTarget["kind"];
  /** The file with the chosen version; null if there is none. */
  readonly file: string | null;
  readonly also: readonly DeliveredAlso[];
  /** The commands to run next, in this order. */
  readonly next: readonly string[];
  /** Only for `--to-lnd`: what the node took. */
  readonly taken: {
    readonly node: string;
    readonly channels: number;
    readonly restored: number;
  } | null;
}

/**
 * Delivers the chosen version and the older ones that it needs. Throws like `writeBackupFile` and
 * `handOver`; checks every file before it writes the first one.
 */
export async function deliver(
  context: ActionContext,
  witness: NodeWitness | undefined,
  to: DeliveryTarget,
  backup: RestoredBackup,
  also: readonly AlsoBackup[],
): Promise<Delivery> {
  switch (to.kind) {
    case "stdout": {
      await context.terminal.bytes(backup.packed);
      const kept = also.map((one) => ({ ...one, file: null, isDelivered: false }));
      return { kind: "stdout", file: null, also: kept, next: [], taken: null };
    }
    case "file":
      return writeFiles(context, to.target, backup, also);
    case "lnd":
      return giveToLnd(context, witness, backup, also);
  }
}

async function writeFiles(
  { settings, signal, random }: ActionContext,
  target: OutputTarget,
  { packed }: RestoredBackup,
  also: readonly AlsoBackup[],
): Promise<Delivery> {
  const { force } = target;
  const targets = await Promise.all(
    also.map(({ backup }, index) =>
      backup === null ? null : checkBackupTarget(alsoFile(target.path, index + 1), { force }),
    ),
  );
  throwIfAborted(signal);
  await writeBackupFile(target, packed, random);
  const written: DeliveredAlso[] = [];
  for (const [index, one] of also.entries()) {
    const its = targets[index] ?? null;
    if (its !== null && one.backup !== null) {
      await writeBackupFile(its, one.backup.packed, random);
    }
    written.push({ ...one, file: its?.path ?? null, isDelivered: its !== null });
  }
  const others = written.flatMap(({ file }) => file ?? []);
  // lnd could restore nothing from an empty backup.
  const files = isEmptyMulti(packed) && others.length > 0 ? others : [target.path, ...others];
  const next = files.map((file) => restoreCommand(file, settings.network ?? null));
  return { kind: "file", file: target.path, also: written, next, taken: null };
}

async function giveToLnd(
  { settings, signal }: ActionContext,
  witness: NodeWitness | undefined,
  { packed }: RestoredBackup,
  also: readonly AlsoBackup[],
): Promise<Delivery> {
  if (witness === undefined) {
    throw new ScbError(
      "usage",
      "--to-lnd needs a running lnd: give --from lnd, or leave --from out",
    );
  }
  const others = also.flatMap(({ backup }) =>
    backup === null ? [] : [{ key: backup.key, packed: backup.packed }],
  );
  const node = await openLnd(settings);
  try {
    const { channels, restored, failed } = await handOver(
      node,
      witness,
      { packed, also: others },
      signal,
    );
    return {
      kind: "lnd",
      file: null,
      also: also.map((one) => {
        const error = failed.get(one.needed.key) ?? one.error;
        const isDelivered = one.backup !== null && !failed.has(one.needed.key);
        return { ...one, file: null, error, isDelivered };
      }),
      next: [`${lncli(settings.network ?? null)} pendingchannels`],
      taken: { node: node.description, channels, restored },
    };
  } finally {
    node.close();
  }
}
