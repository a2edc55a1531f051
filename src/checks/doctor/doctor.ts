import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import type { LoadedKey } from "../../keychain/loaded-key.ts";
import type { BackupFileSource } from "../../node/backup-file.ts";
import type { LndConfig } from "../../node/lnd/lnd-config.ts";
import { LndNode } from "../../node/lnd/lnd-node.ts";
import { LndSource } from "../../node/lnd/lnd-source.ts";
import { checkNodeName } from "../../repository/layout.ts";
import { nodeFolders } from "../../repository/node-folders.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { prefixedStore } from "../../store/prefixed-store.ts";
import { examineBackup } from "./backup-checks.ts";
import { Checkup, type DoctorCheck, good, problem, unknown, warning } from "./checkup.ts";
import { examineMacaroon } from "./macaroon-checks.ts";
import { examineFile, examineLnd } from "./node-checks.ts";
import { Scratch } from "./scratch.ts";
import { examineAccess } from "./store-access.ts";
import { examineApart } from "./store-apart.ts";
import { examineConduct, examineLeftovers } from "./store-conduct.ts";
import { examineSetup } from "./store-setup.ts";

export interface DoctorReport {
  /** Whether no check found a problem. What could not be found out, and warnings, leave it true. */
  readonly ok: boolean;
  readonly checks: readonly DoctorCheck[];
}

export interface DoctorStore {
  readonly name: string;
  readonly store: ObjectStore;
}

export interface DoctorOptions {
  /** The whole of each store; none where only the node is looked at. They stay open. */
  readonly stores: readonly DoctorStore[];
  /** The node's folder in them, where it is named. */
  readonly nodeName: string | null;
  /** Throws what a person has to mend, which then is a finding. Null: lnd is not asked. */
  readonly lnd: (() => Promise<LndConfig>) | null;
  readonly key: (() => Promise<LoadedKey>) | null;
  /** A `channel.backup` that is watched, opened with the key where there is one. */
  readonly file: ((key: LoadedKey | null) => BackupFileSource) | null;
  readonly singleWriter: boolean;
  readonly maxAgeMs: number;
  /** No check takes longer. */
  readonly timeoutMs: number;
  readonly onCheck: (name: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Where a store holds no node's backups yet, and none is named. */
const strangerFolder = "scb-mirror-doctor";

/**
 * Looks at key, node, store and backup, each where it is given. Nothing of worth is ever written over
 * or deleted: what is written are objects under `probe/`, and what is deleted are these, and keys
 * that hold nothing. Throws "aborted" when it was stopped, else what fails is a finding.
 */
export async function examine(options: DoctorOptions): Promise<DoctorReport> {
  const checkup = new Checkup(options);
  const key = await examineKey(checkup, options);
  await examineFileOf(checkup, options, key);
  const config = await examineConfig(checkup, options);
  const node = config === null ? null : new LndNode(config);
  try {
    let witness: NodeWitness | null = null;
    let pubkey: string | null = null;
    if (config !== null && node !== null) {
      const { clock, random } = options;
      const source = new LndSource({ node, observer: silentObserver, clock, random });
      pubkey = await examineLnd(checkup, { config, node, source, clock });
      if (pubkey !== null) witness = source.witness;
    }
    await examineStores(checkup, { ...options, pubkey, witness, openedKey: key });
  } finally {
    node?.close();
  }
  return { ok: checkup.checks.every(({ ok }) => ok), checks: checkup.checks };
}

async function examineKey(checkup: Checkup, { key }: DoctorOptions): Promise<LoadedKey | null> {
  if (key === null) return null;
  const loaded = await checkup.run("key", key, ({ kind, warnings }) => {
    const spends = kind === "words" || kind === "extended-key";
    const remarks = [
      ...(spends
        ? ["it can spend, too: keep it off this machine, and use what `scb-mirror key` makes of it"]
        : []),
      ...warnings,
    ];
    return remarks.length === 0
      ? good("the key file can be used: it reads backups, and spends nothing")
      : warning(`the key file can be used, but: ${remarks.join("; ")}`);
  });
  return loaded instanceof ScbError ? null : loaded;
}

async function examineFileOf(
  checkup: Checkup,
  { file }: DoctorOptions,
  key: LoadedKey | null,
): Promise<void> {
  if (file === null) return;
  const source = file(key);
  try {
    await examineFile(checkup, source);
  } finally {
    await source.close();
  }
}

/** Where lnd is, and what its macaroon allows: all that can be told without asking it. */
async function examineConfig(
  checkup: Checkup,
  { lnd, clock }: DoctorOptions,
): Promise<LndConfig | null> {
  if (lnd === null) return null;
  const config = await checkup.run("node-files", lnd, ({ address, credentials }) =>
    good(
      `lnd is looked for at ${address}, with ${credentials.certificateFrom ?? "the system's authorities"} and ${credentials.macaroonFrom}`,
    ),
  );
  if (config instanceof ScbError) return null;
  await examineMacaroon(checkup, config.credentials, clock);
  return config;
}

interface StoreExamination extends DoctorOptions {
  readonly pubkey: string | null;
  readonly witness: NodeWitness | null;
  readonly openedKey: LoadedKey | null;
}

/** All at once, each by itself; the checks stay in the order of the stores. */
async function examineStores(checkup: Checkup, options: StoreExamination): Promise<void> {
  const examined = await Promise.all(
    options.stores.map(async (one) => {
      const own = new Checkup(options, one.name);
      const folder = await examineStore(own, one.store, options);
      return { own, folders: folder === null ? [] : [{ name: one.name, ...folder }] };
    }),
  );
  checkup.checks.push(...examined.flatMap(({ own }) => own.checks));
  const folders = examined.flatMap((one) => one.folders);
  examineFolders(checkup, folders);
  if (options.stores.length > 1) {
    await examineApart(checkup, folders, options);
  }
}

/** Gives the node's folder, if it is known and answers. */
async function examineStore(
  checkup: Checkup,
  root: ObjectStore,
  options: StoreExamination,
): Promise<{ readonly store: ObjectStore; readonly node: string } | null> {
  const { clock, random, openedKey: key } = options;
  const node = await folderOf(checkup, root, options);
  if (node === null) return null;
  const store = prefixedStore(root, node);
  const sinceMs = clock.now();
  const scratch = new Scratch(store, clock, random);
  try {
    const { answers, mayWrite } = await examineAccess(checkup, store, scratch);
    if (!answers) return null;
    if (store.inspection !== undefined) {
      await examineSetup(checkup, store.inspection, { clock, random });
    }
    if (mayWrite) await examineConduct(checkup, { ...options, store, scratch });
  } finally {
    await scratch.cleanUp();
  }
  await examineLeftovers(checkup, store, sinceMs);
  await examineBackup(checkup, { ...options, store, node, key });
  return { store, node };
}

/** Without --node each store names its only node: it has to be the same one. */
function examineFolders(
  checkup: Checkup,
  folders: readonly { readonly name: string; readonly node: string }[],
): void {
  const held = folders.filter(({ node }) => node !== strangerFolder);
  if (new Set(held.map(({ node }) => node)).size < 2) return;
  const each = held.map(({ name, node }) => `${node} in ${name}`).join("; ");
  const message = `the stores hold the backups of different nodes (${each}): choose one with --node, or give each node its own stores`;
  checkup.add("stores-node", "problem", message);
}

/** The node's folder: as named, else of the node that answered, else the only one there is. */
async function folderOf(
  checkup: Checkup,
  root: ObjectStore,
  { nodeName, pubkey }: StoreExamination,
): Promise<string | null> {
  const named = nodeName ?? pubkey;
  if (named !== null) return checkNodeName(named);
  const folders = await checkup.run(
    "store-folder",
    (signal) => nodeFolders(root, signal),
    (found) => {
      const [only] = found;
      if (only === undefined) {
        return unknown(
          `no node has backups in ${root.location} yet; name the folder that it will have with --node, for a policy may allow that one only (looking into ${strangerFolder}/ meanwhile)`,
        );
      }
      return found.length === 1
        ? good(`the only node in ${root.location} is ${only}`)
        : problem({
            message: `${root.location} holds the backups of ${found.length} nodes: choose one with --node (${found.join(", ")})`,
          });
    },
    ({ code, message }) =>
      problem({
        message:
          code === "store-denied" ? `${message}; or name the node's folder with --node` : message,
      }),
  );
  if (folders instanceof ScbError || folders.length > 1) return null;
  return folders[0] ?? strangerFolder;
}

const silentObserver = { trouble: () => undefined, recovered: () => undefined };
