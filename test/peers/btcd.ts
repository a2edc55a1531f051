import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import type { LndBinaries } from "./provision.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

/** A chain of our own: btcd on simnet. It stops with SIGTERM or when this process ends. */
export interface Btcd {
  readonly rpcHost: string;
  readonly rpcUser: string;
  readonly rpcPassword: string;
  readonly rpcCertPath: string;
  /** Runs `btcctl`, and returns what it prints. */
  ctl(...args: readonly string[]): Promise<string>;
  /** Mines `count` blocks now and returns the new height. */
  mine(count: number): Promise<number>;
  height(): Promise<number>;
  /** The ids of the transactions that wait for a block. */
  mempool(): Promise<readonly string[]>;
  logTail(): string;
  stop(): Promise<void>;
}

/** Starts btcd in `folder`; what it mines goes to `miningAddress`. */
export async function startBtcd(
  { btcd, btcctl }: LndBinaries,
  folder: string,
  miningAddress: string,
): Promise<Btcd> {
  await mkdir(folder, { recursive: true });
  // Without a file both look for one in the user's own folder, and fail.
  const emptyConfig = join(folder, "empty.conf");
  await writeFile(emptyConfig, "");
  const rpcHost = `127.0.0.1:${await freePort()}`;
  const rpcUser = "scb";
  const rpcPassword = "scb";
  const rpcCertPath = join(folder, "rpc.cert");
  const child: Child = await startChild(
    "btcd",
    btcd,
    [
      `--configfile=${emptyConfig}`,
      "--simnet",
      "--txindex",
      "--nolisten",
      "--nodnsseed",
      `--datadir=${join(folder, "data")}`,
      `--logdir=${join(folder, "logs")}`,
      `--rpclisten=${rpcHost}`,
      `--rpcuser=${rpcUser}`,
      `--rpcpass=${rpcPassword}`,
      `--rpccert=${rpcCertPath}`,
      `--rpckey=${join(folder, "rpc.key")}`,
      "--rpcmaxclients=100",
      "--rpcmaxwebsockets=100",
      `--miningaddr=${miningAddress}`,
    ],
    { logPath: join(folder, "btcd.log") },
  );
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const connection = [
      `--configfile=${emptyConfig}`,
      "--simnet",
      `--rpcserver=${rpcHost}`,
      `--rpcuser=${rpcUser}`,
      `--rpcpass=${rpcPassword}`,
      `--rpccert=${rpcCertPath}`,
    ];
    return (await runCommand(btcctl, [...connection, ...args], { timeoutMs: 60_000 })).trim();
  };
  const height = async (): Promise<number> => Number(await ctl("getblockcount"));
  await waitFor(`btcd on ${rpcHost}`, height, {
    timeoutMs: 30_000,
    details: child.logTail,
    hopeless: child.ended,
  });
  return {
    rpcHost,
    rpcUser,
    rpcPassword,
    rpcCertPath,
    ctl,
    height,
    async mine(count) {
      await ctl("generate", String(count));
      return height();
    },
    mempool: async () => JSON.parse(await ctl("getrawmempool")),
    logTail: child.logTail,
    stop: () => child.stop(),
  };
}
