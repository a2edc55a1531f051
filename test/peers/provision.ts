import { join } from "node:path";
import { installAzurite } from "./azurite-install.ts";
import { provisionBrowser } from "./browser.ts";
import { provisionCleanDebian } from "./clean-debian.ts";
import { compose, packaging, provisionTools, shells } from "./debian-tools.ts";
import { provisionDocker } from "./docker.ts";
import { buildWithGo } from "./go-build.ts";
import { provisionHelm } from "./helm.ts";
import { provisionPrometheus } from "./monitoring.ts";
import { installMoto } from "./moto-install.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { proxies } from "./proxies.ts";
import { provisionRclone } from "./rclone.ts";
import { runCommand } from "./run-command.ts";

export interface ProvisionOptions {
  /** Whether Debian packages may be installed. By default only in CI. */
  readonly install?: boolean;
}

/** Makes sure that a peer is available on this machine. Throws PeerUnavailable. */
type Provision = (progress: Progress, options?: ProvisionOptions) => Promise<unknown>;

const table = {
  minio: provisionMinio,
  versitygw: provisionVersityGateway,
  seaweedfs: provisionSeaweedFs,
  lnd: provisionLnd,
  "lnd-oracle": provisionLndOracle,
  moto: provisionMoto,
  "fake-gcs": provisionFakeGcs,
  azurite: provisionAzurite,
  docker: provisionDocker,
  browser: provisionBrowser,
  proxies: (progress, options) => provisionTools(proxies, progress, options),
  prometheus: provisionPrometheus,
  shells: (progress, options) => provisionTools(shells, progress, options),
  packaging: (progress, options) => provisionTools(packaging, progress, options),
  "clean-debian": provisionCleanDebian,
  actionlint: provisionActionlint,
  helm: provisionHelm,
  "minio-client": provisionMinioClient,
  compose: (progress, options) => provisionTools(compose, progress, options),
  kubectl: () =>
    findProgram("kubectl", ["version", "--client"], "https://kubernetes.io/docs/tasks/tools/"),
  aws: () => findProgram("aws", ["--version"], "pip install awscli"),
  rclone: provisionRclone,
} as const satisfies Readonly<Record<string, Provision>>;

export type Peer = keyof typeof table;

function isPeer(name: string): name is Peer {
  return Object.hasOwn(table, name);
}

export const peers: readonly Peer[] = Object.keys(table).filter(isPeer);
/** What the program's own tests need, without Debian packages. */
const defaultPeers: readonly Peer[] = ["minio", "lnd", "lnd-oracle", "moto", "fake-gcs", "azurite"];

export interface LndBinaries {
  readonly btcd: string;
  readonly btcctl: string;
  readonly lnd: string;
  readonly lncli: string;
}

/** The path of a static `minio`. Throws PeerUnavailable. */
export async function provisionMinio(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("minio", progress), "minio");
}

/** The path of a static `mc`. Throws PeerUnavailable. */
export async function provisionMinioClient(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("minio-client", progress), "mc");
}

/** The path of `versitygw`. Throws PeerUnavailable. */
export async function provisionVersityGateway(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("versitygw", progress), "versitygw");
}

/** The path of SeaweedFS's `weed`. Throws PeerUnavailable. */
export async function provisionSeaweedFs(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("seaweedfs", progress), "weed");
}

/**
 * The paths of btcd, lnd and their clients. SCB_TEST_LND names a folder with an lnd and lncli of
 * another version. Throws PeerUnavailable.
 */
export async function provisionLnd(progress: Progress = toStderr): Promise<LndBinaries> {
  const folder = await buildWithGo("lnd", progress);
  const lndFolder = process.env["SCB_TEST_LND"] ?? folder;
  return {
    btcd: join(folder, "btcd"),
    btcctl: join(folder, "btcctl"),
    lnd: join(lndFolder, "lnd"),
    lncli: join(lndFolder, "lncli"),
  };
}

/** The path of a program that answers with lnd's own backup and key packages. Throws PeerUnavailable. */
export async function provisionLndOracle(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("lnd-oracle", progress), "lnd-oracle");
}

/** The path of `actionlint`. Throws PeerUnavailable. */
export async function provisionActionlint(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("actionlint", progress), "actionlint");
}

/** The variables with which `python3 -m moto.server` finds moto. Throws PeerUnavailable. */
export function provisionMoto(progress: Progress = toStderr): Promise<NodeJS.ProcessEnv> {
  return installMoto(progress);
}

/** The path of `fake-gcs-server`, a simulator of Google Cloud Storage. Throws PeerUnavailable. */
export async function provisionFakeGcs(progress: Progress = toStderr): Promise<string> {
  return join(await buildWithGo("fake-gcs", progress), "fake-gcs-server");
}

/** The path of Azurite's blob service, a program for Node. Throws PeerUnavailable. */
export function provisionAzurite(progress: Progress = toStderr): Promise<string> {
  return installAzurite(progress);
}

/** Makes sure that `peer` is available on this machine. Throws PeerUnavailable. */
export async function provision(
  peer: Peer,
  progress: Progress = toStderr,
  options: ProvisionOptions = {},
): Promise<void> {
  const provisionPeer: Provision = table[peer];
  await provisionPeer(progress, options);
}

/** Throws PeerUnavailable for a program that this machine lacks. */
async function findProgram(name: string, args: readonly string[], remedy: string): Promise<void> {
  try {
    await runCommand(name, args, { timeoutMs: 60_000 });
  } catch (error) {
    throw new PeerUnavailable(`${name} is not there: ${remedy}`, { cause: error });
  }
}

if (import.meta.main) await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  if (!args.every(isPeer)) {
    process.stderr.write(
      `usage: npm run peers -- [${peers.join("] [")}]   default: ${defaultPeers.join(" ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const wanted = args.length > 0 ? peers.filter((peer) => args.includes(peer)) : defaultPeers;
  for (const peer of wanted) {
    try {
      await provision(peer, toStderr, { install: true });
      toStderr(`${peer}: ready`);
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      toStderr(`${peer}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
