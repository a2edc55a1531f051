import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Btcd } from "./btcd.ts";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { initWallet, type WalletSeed } from "./lnd-wallet.ts";
import type { LndBinaries } from "./provision.ts";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

export interface LndNodeOptions {
  readonly name: string;
  /** A real wallet. Default: `--noseedbackup`, a wallet that nobody can recover. */
  readonly wallet?: WalletSeed | WalletByHand;
  /** More flags for lnd. */
  readonly args?: readonly string[];
}

export interface WalletByHand {
  /** Makes the wallet, with this password: `lncli` and its flags come as words of a command line. */
  readonly create: (lncli: readonly string[], password: string) => Promise<void>;
}

export interface StartOptions {
  /** False leaves the real wallet locked; then only the wallet unlocker's RPCs are served. */
  readonly unlock?: boolean;
  /** More flags, for this start only. */
  readonly args?: readonly string[];
}

/** A real lnd on simnet. */
export interface LndNode {
  readonly name: string;
  /** host:port of gRPC, as `lncli --rpcserver` takes it. */
  readonly rpcserver: string;
  readonly restHost: string;
  /** host:port where other nodes reach it, and which it announces. */
  readonly listenHost: string;
  readonly lnddir: string;
  readonly tlsCertPath: string;
  readonly adminMacaroonPath: string;
  readonly channelBackupPath: string;
  readonly pubkey: string;
  /** Of a real wallet. */
  readonly walletPassword: string;
  /** The seed words of a real wallet; none with `--noseedbackup`. */
  readonly words: readonly string[];
  /** `lncli` and the flags that reach this node, as words of a command line. */
  readonly lncliCommand: readonly string[];
  /** Runs `lncli` as admin and returns what it printed, parsed from JSON. */
  lncli(...args: readonly string[]): Promise<unknown>;
  /** As `lncli`, checked. */
  query<T>(schema: z.ZodType<T>, ...args: readonly string[]): Promise<T>;
  /** Channel points of the open and pending open channels, sorted. */
  channelPoints(): Promise<readonly string[]>;
  /** `lncli exportchanbackup --all`: the packed Multi. */
  exportChanBackup(): Promise<Uint8Array>;
  /** `lncli verifychanbackup --multi_file`: the channel points in it, sorted. */
  verifyChanBackup(bytes: Uint8Array): Promise<readonly string[]>;
  /** Bakes a macaroon with only these permissions; returns its file. */
  bakeMacaroon(permissions: readonly string[]): Promise<string>;
  isRunning(): boolean;
  /** `lncli stop`, or SIGTERM, and waits until it is gone. */
  stop(how?: "lncli" | "SIGTERM"): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again, and returns when it serves everything. */
  start(options?: StartOptions): Promise<void>;
  /** Resolves when it serves everything: for a node that was started locked. */
  serving(): Promise<void>;
  /** Resolves when its process has ended on its own. */
  gone(): Promise<void>;
  logTail(): string;
}

const walletPassword = "scb-test-wallet";
const getInfoSchema = z.object({
  identity_pubkey: z.string(),
  block_height: z.number(),
  synced_to_chain: z.boolean(),
});
const channelPointSchema = z.object({ channel_point: z.string() });
const pendingSchema = z.object({
  pending_open_channels: z.array(z.object({ channel: channelPointSchema })),
});
const listSchema = z.object({ channels: z.array(channelPointSchema) });

/** Starts an lnd in `folder`/its name, and returns when it serves everything. */
export async function startLndNode(
  { lnd, lncli }: LndBinaries,
  btcd: Btcd,
  folder: string,
  { name, wallet, args = [] }: LndNodeOptions,
): Promise<LndNode> {
  const home = join(folder, name);
  const lnddir = join(home, "lnd");
  const chainDir = join(lnddir, "data", "chain", "bitcoin", "simnet");
  const passwordPath = join(home, "wallet-password");
  const rpcserver = `127.0.0.1:${await freePort()}`;
  const restHost = `127.0.0.1:${await freePort()}`;
  const listenHost = `127.0.0.1:${await freePort()}`;
  const tlsCertPath = join(lnddir, "tls.cert");
  const adminMacaroonPath = join(chainDir, "admin.macaroon");
  await mkdir(home, { recursive: true });
  await writeFile(passwordPath, walletPassword);

  const launch = ({ unlock = true, args: more = [] }: StartOptions): Promise<Child> => {
    const unlockFlags = unlock
      ? [`--wallet-unlock-password-file=${passwordPath}`, "--wallet-unlock-allow-create"]
      : [];
    const flags = [
      `--lnddir=${lnddir}`,
      `--alias=${name}`,
      "--bitcoin.active",
      "--bitcoin.simnet",
      "--bitcoin.node=btcd",
      `--btcd.rpchost=${btcd.rpcHost}`,
      `--btcd.rpcuser=${btcd.rpcUser}`,
      `--btcd.rpcpass=${btcd.rpcPassword}`,
      `--btcd.rpccert=${btcd.rpcCertPath}`,
      `--rpclisten=${rpcserver}`,
      `--restlisten=${restHost}`,
      `--listen=${listenHost}`,
      `--externalip=${listenHost}`,
      "--nobootstrap",
      "--trickledelay=50",
      "--maxpendingchannels=20",
      "--protocol.simple-taproot-chans",
      "--healthcheck.chainbackend.attempts=0",
      ...(wallet === undefined ? ["--noseedbackup"] : unlockFlags),
      ...args,
      ...more,
    ];
    return startChild(name, lnd, flags, { logPath: join(home, "lnd.log") });
  };
  let child = await launch({});

  const lncliFlags = [
    `--lnddir=${lnddir}`,
    "--network=simnet",
    `--rpcserver=${rpcserver}`,
    `--tlscertpath=${tlsCertPath}`,
    `--macaroonpath=${adminMacaroonPath}`,
  ];
  const runLncli = (...rest: readonly string[]): Promise<string> =>
    runCommand(lncli, [...lncliFlags, ...rest], { timeoutMs: 60_000 });
  const query = async <T>(schema: z.ZodType<T>, ...rest: readonly string[]): Promise<T> =>
    schema.parse(JSON.parse(await runLncli(...rest)));
  const lncliJson = async (...rest: readonly string[]): Promise<unknown> =>
    JSON.parse(await runLncli(...rest));

  const waitForState = async (...states: readonly string[]): Promise<void> => {
    await waitFor(
      `${name} to be ${states.join(" or ")}`,
      async () => {
        const { state } = await query(z.object({ state: z.string() }), "state");
        return states.includes(state) ? true : undefined;
      },
      {
        timeoutMs: 240_000,
        everyMs: 200,
        details: () => child.logTail(),
        hopeless: () => child.ended(),
      },
    );
  };
  const waitUntilServing = async (): Promise<string> => {
    await waitForState("SERVER_ACTIVE");
    return waitFor(
      `${name} to be in step with the chain`,
      async () => {
        const info = await query(getInfoSchema, "getinfo");
        return info.synced_to_chain ? info.identity_pubkey : undefined;
      },
      {
        timeoutMs: 240_000,
        everyMs: 200,
        details: () => child.logTail(),
        hopeless: () => child.ended(),
      },
    );
  };

  let words: readonly string[] = [];
  let pubkey: string;
  try {
    if (wallet !== undefined && !existsSync(join(chainDir, "wallet.db"))) {
      await waitForState("NON_EXISTING");
      if ("create" in wallet) await wallet.create([lncli, ...lncliFlags], walletPassword);
      else words = await initWallet(restHost, tlsCertPath, walletPassword, wallet);
    }
    pubkey = await waitUntilServing();
  } catch (error) {
    await child.stop("SIGKILL");
    throw error;
  }

  return {
    name,
    rpcserver,
    restHost,
    listenHost,
    lnddir,
    tlsCertPath,
    adminMacaroonPath,
    channelBackupPath: join(chainDir, "channel.backup"),
    pubkey,
    walletPassword,
    words,
    lncliCommand: [lncli, ...lncliFlags],
    lncli: lncliJson,
    query,
    async channelPoints() {
      const { channels } = await query(listSchema, "listchannels");
      const pending = await query(pendingSchema, "pendingchannels");
      const all = [...channels, ...pending.pending_open_channels.map(({ channel }) => channel)];
      return all.map((channel) => channel.channel_point).sort();
    },
    async exportChanBackup() {
      const path = join(home, `export-${randomUUID()}`);
      await runLncli("exportchanbackup", "--all", `--output_file=${path}`);
      const bytes = await readFile(path);
      await rm(path);
      return new Uint8Array(bytes);
    },
    async verifyChanBackup(bytes) {
      const path = join(home, `verify-${randomUUID()}`);
      await writeFile(path, bytes);
      try {
        const schema = z.object({ chan_points: z.array(z.string()).default([]) });
        const answer = await query(schema, "verifychanbackup", `--multi_file=${path}`);
        return answer.chan_points.toSorted();
      } finally {
        await rm(path);
      }
    },
    async bakeMacaroon(permissions) {
      const path = join(home, `${randomUUID()}.macaroon`);
      await runLncli("bakemacaroon", `--save_to=${path}`, ...permissions);
      return path;
    },
    isRunning: () => child.ended() === null,
    async stop(how = "lncli") {
      if (child.ended() !== null) return;
      if (how === "SIGTERM") return child.stop("SIGTERM", 60_000);
      await runLncli("stop");
      await child.waitForEnd(60_000);
    },
    kill: () => child.stop("SIGKILL"),
    async start(options = {}) {
      if (child.ended() === null) return;
      child = await launch(options);
      if (options.unlock === false) await waitForState("LOCKED");
      else await waitUntilServing();
    },
    serving: async () => void (await waitUntilServing()),
    gone: async () => void (await child.waitForEnd(60_000)),
    logTail: () => child.logTail(),
  };
}
