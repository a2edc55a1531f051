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
  /** Whether no check found a problem. Unknowns and warnings leave it true. */
  readonly ok: boolean;
  readonly checks: readonly DoctorCheck[];
  /** The node's folder in the stores, if it is named, or the node has said who it is. */
  readonly node: string | null;
}

export interface DoctorStore {
  readonly name: string;
  readonly store: ObjectStore;
}

export interface DoctorOptions {
  /** Each store's root; empty if only the node is checked. The caller closes them. */
  readonly stores: readonly DoctorStore[];
  /** The node's folder in them, if it was named. */
  readonly nodeName: string | null;
  /** An error that it throws becomes a finding. Null: lnd isn't asked. */
  readonly lnd: (() => Promise<LndConfig>) | null;
  readonly key: (() => Promise<LoadedKey>) | null;
  /** A watched `channel.backup`, decrypted with the key if there is one. */
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

/** Used if no node was named and the store holds none yet. */
const strangerFolder = "scb-mirror-doctor";

/**
 * Checks the key, the node, the stores and the backup, as far as they are given. Never overwrites or
 * deletes anything of value: it writes only under `probe/`, and deletes only what it wrote and keys that
 * hold nothing. Throws "aborted" if it was stopped; any other failure is a finding.
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
    return {
      ok: checkup.checks.every(({ ok }) => ok),
      checks: checkup.checks,
      node: options.nodeName ?? pubkey,
    };
  } finally {
    node?.close();
  }
}

async function examineKey(checkup: Checkup, { key }: DoctorOptions): Promise<LoadedKey | null> {
  if (key === null) return null;
  const loaded = await checkup.run("key", key, ({ kind, warnings }) => {
    const spends = kind === "words" || kind === "extended-key";
    const remarks = [
      ...(spends
        ? [
            "it can also spend: keep it off this machine, and use the backup key that `scb-mirror key` derives from it",
          ]
        : []),
      ...warnings,
    ];
    return remarks.length === 0
      ? good("the key file works: it can read backups, and can't spend")
      : warning(`the key file works, but: ${remarks.join("; ")}`);
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

/** Where lnd is and what its macaroon allows, as far as that is known without asking lnd. */
async function examineConfig(
  checkup: Checkup,
  { lnd, clock }: DoctorOptions,
): Promise<LndConfig | null> {
  if (lnd === null) return null;
  const config = await checkup.run("node-files", lnd, ({ address, credentials }) =>
    good(
      `lnd is expected at ${address}, with ${credentials.certificateFrom ?? "the system's certificate authorities"} and ${credentials.macaroonFrom}`,
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

/** Checks all stores at once; the findings stay in the order of the stores. */
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

/** Resolves to the node's folder, if it is known and the store answers. */
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

/** Without --node, each store's only node is used: it has to be the same one in all. */
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

/** The node's folder: as named, else that of the node that answered, else the only one in the store. */
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
          `no node has backups in ${root.location} yet; name its future folder with --node, because a policy may allow only that one (checked ${strangerFolder}/ instead)`,
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
