import { join } from "node:path";
import { installAzurite } from "./azurite-install.ts";
import { provisionBrowser } from "./browser.ts";
import { provisionCleanDebian } from "./clean-debian.ts";
import { packaging, provisionTools, shells } from "./debian-tools.ts";
import { provisionDocker } from "./docker.ts";
import { buildActionlint, buildFakeGcs, buildLnd, buildLndOracle, buildMinio } from "./go-build.ts";
import { provisionPrometheus } from "./monitoring.ts";
import { installMoto } from "./moto-install.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { proxies } from "./proxies.ts";
import { provisionRclone } from "./rclone.ts";

export { provisionDocker };

const tools = { proxies, shells, packaging } as const;

export const peers = [
  "minio",
  "lnd",
  "lnd-oracle",
  "moto",
  "fake-gcs",
  "azurite",
  "docker",
  "browser",
  "proxies",
  "prometheus",
  "shells",
  "packaging",
  "clean-debian",
  "actionlint",
  "rclone",
] as const;
export type Peer = (typeof peers)[number];

const defaultPeers = ["minio", "lnd", "lnd-oracle", "moto", "fake-gcs", "azurite"] as const;

export interface LndBinaries {
  readonly btcd: string;
  readonly btcctl: string;
  readonly lnd: string;
  readonly lncli: string;
}

/** The path of a static `minio`. Throws PeerUnavailable. */
export async function provisionMinio(progress: Progress = toStderr): Promise<string> {
  return join(await buildMinio(progress), "minio");
}

/**
 * The paths of btcd, lnd and their clients. SCB_TEST_LND names a folder with an lnd and lncli of
 * another version. Throws PeerUnavailable.
 */
export async function provisionLnd(progress: Progress = toStderr): Promise<LndBinaries> {
  const folder = await buildLnd(progress);
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
  return join(await buildLndOracle(progress), "lnd-oracle");
}

/** The path of `actionlint`. Throws PeerUnavailable. */
export async function provisionActionlint(progress: Progress = toStderr): Promise<string> {
  return join(await buildActionlint(progress), "actionlint");
}

/** The variables with which `python3 -m moto.server` finds moto. Throws PeerUnavailable. */
export function provisionMoto(progress: Progress = toStderr): Promise<NodeJS.ProcessEnv> {
  return installMoto(progress);
}

/** The path of `fake-gcs-server`, a simulator of Google Cloud Storage. Throws PeerUnavailable. */
export async function provisionFakeGcs(progress: Progress = toStderr): Promise<string> {
  return join(await buildFakeGcs(progress), "fake-gcs-server");
}

/** The path of Azurite's blob service, a program for Node. Throws PeerUnavailable. */
export function provisionAzurite(progress: Progress = toStderr): Promise<string> {
  return installAzurite(progress);
}

/** Makes sure that `peer` can be had on this machine. Throws PeerUnavailable. */
export async function provision(peer: Peer, progress: Progress = toStderr): Promise<void> {
  switch (peer) {
    case "minio":
      await provisionMinio(progress);
      return;
    case "lnd":
      await provisionLnd(progress);
      return;
    case "lnd-oracle":
      await provisionLndOracle(progress);
      return;
    case "moto":
      await provisionMoto(progress);
      return;
    case "fake-gcs":
      await provisionFakeGcs(progress);
      return;
    case "azurite":
      await provisionAzurite(progress);
      return;
    case "docker":
      await provisionDocker(progress);
      return;
    case "browser":
      await provisionBrowser(progress);
      return;
    case "proxies":
    case "shells":
    case "packaging":
      await provisionTools(tools[peer], progress);
      return;
    case "prometheus":
      await provisionPrometheus(progress);
      return;
    case "actionlint":
      await provisionActionlint(progress);
      return;
    case "clean-debian":
      await provisionCleanDebian(progress);
      return;
    case "rclone":
      await provisionRclone(progress);
      return;
  }
}

function isTool(peer: Peer): peer is keyof typeof tools {
  return peer in tools;
}

if (import.meta.main) await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const unknown = args.find((arg) => !peers.some((peer) => peer === arg));
  if (unknown !== undefined) {
    process.stderr.write(
      `usage: npm run peers -- [${peers.join("] [")}]   default: ${defaultPeers.join(" ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const wanted = args.length > 0 ? peers.filter((peer) => args.includes(peer)) : defaultPeers;
  for (const peer of wanted) {
    try {
      if (peer === "docker") await provisionDocker(toStderr, { install: true });
      else if (peer === "browser") await provisionBrowser(toStderr, { install: true });
      else if (peer === "clean-debian") await provisionCleanDebian(toStderr, { install: true });
      else if (isTool(peer)) await provisionTools(tools[peer], toStderr, { install: true });
      else if (peer === "prometheus") await provisionPrometheus(toStderr, { install: true });
      else if (peer === "rclone") await provisionRclone(toStderr, { install: true });
      else await provision(peer);
      toStderr(`${peer}: ready`);
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      toStderr(`${peer}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
