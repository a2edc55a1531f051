import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Network } from "../../keychain/network.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { homeFolder } from "../../runtime/home-folder.ts";
import type { HostAndPort } from "../../runtime/host-and-port.ts";
import { fileCredentials, type LndCredentials, systemAuthorities } from "./credentials.ts";
import { defaultLndPort, parseLndAddress } from "./lnd-address.ts";
import { parseLndconnectUri } from "./lndconnect-uri.ts";

/** lncli's flags by lncli's names, with lncli's defaults; or one lndconnect URI instead. */
export interface LndOptions {
  readonly rpcserver?: string | undefined;
  readonly lnddir?: string | undefined;
  readonly network?: Network | undefined;
  readonly tlscertpath?: string | undefined;
  readonly macaroonpath?: string | undefined;
  /** Goes with an lndconnect URI too. */
  readonly socksproxy?: HostAndPort | undefined;
  /** A secret: it holds a macaroon. */
  readonly lndconnect?: string | undefined;
}

/** How to reach one lnd. Can be printed: what it knows of secrets is where they are. */
export interface LndConfig {
  /** `host:port`. */
  readonly address: string;
  readonly credentials: LndCredentials;
  /** The SOCKS5 proxy through which it is reached. Default: none. */
  readonly socksProxy?: HostAndPort | undefined;
  /** The network that the operator named, so that a node on another one is refused; else null. */
  readonly network: Network | null;
}

/** What the defaults depend on. */
export interface HomeFolders {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** LOCALAPPDATA, on Windows. */
  readonly localAppData?: string | undefined;
}

/**
 * The options with their defaults, after a look at the files that they name. Throws "usage" when
 * one is missing or options contradict each other, "io" when a file cannot be read, and what
 * `LndCredentials` throws when it does not hold what it should.
 */
export async function resolveLndConfig(
  options: LndOptions,
  folders: HomeFolders = systemFolders(),
): Promise<LndConfig> {
  if (options.lndconnect !== undefined) return fromUri(options, options.lndconnect);
  const address = parseLndAddress(
    options.rpcserver ?? `localhost:${defaultLndPort}`,
    "--rpcserver",
  );
  const lndDir =
    options.lnddir === undefined ? defaultLndDir(folders) : expand(options.lnddir, folders);
  const { tlscertpath = join(lndDir, "tls.cert"), socksproxy: socksProxy } = options;
  const tlsCertPath = tlscertpath === systemAuthorities ? null : expand(tlscertpath, folders);
  const network = options.network ?? "mainnet";
  const macaroonPath = expand(
    options.macaroonpath ?? join(lndDir, "data", "chain", "bitcoin", network, "admin.macaroon"),
    folders,
  );
  const credentials = fileCredentials(tlsCertPath, macaroonPath);
  await orMissing(
    () => credentials.readCertificate(),
    () =>
      `no tls.cert at ${tlsCertPath}: is lnd installed here, and has it run? give --lnddir or --tlscertpath`,
  );
  await orMissing(
    () => credentials.readMacaroon(),
    async () =>
      `no macaroon at ${macaroonPath}: ${options.macaroonpath === undefined ? await macaroonHint(lndDir) : "correct --macaroonpath"}`,
  );
  // A macaroon of the operator's own choice, and no word of a network: whatever lnd is on is right.
  const isNamed = options.network !== undefined || options.macaroonpath === undefined;
  return { address, credentials, socksProxy, network: isNamed ? network : null };
}

function fromUri(options: LndOptions, uri: string): LndConfig {
  const { lndconnect: _uri, network, socksproxy: socksProxy, ...others } = options;
  const doubled = Object.entries(others).find(([, value]) => value !== undefined);
  if (doubled !== undefined) {
    throw new ScbError("usage", `--lndconnect says it all: leave out --${doubled[0]}`);
  }
  return { ...parseLndconnectUri(uri), socksProxy, network: network ?? null };
}

/** Where lnd keeps its files (btcutil `AppDataDir`). */
export function defaultLndDir({ platform, home, localAppData }: HomeFolders): string {
  if (platform === "win32") return join(localAppData ?? join(home, "AppData", "Local"), "Lnd");
  if (platform === "darwin") return join(home, "Library", "Application Support", "Lnd");
  return join(home, ".lnd");
}

function systemFolders(): HomeFolders {
  return {
    platform: process.platform,
    home: homeFolder(),
    localAppData: process.env["LOCALAPPDATA"],
  };
}

function expand(path: string, { home }: HomeFolders): string {
  return resolve(path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path);
}

async function orMissing(
  read: () => Promise<unknown>,
  describe: () => string | Promise<string>,
): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!hasCode(error, "io") || !isNotFound(error.cause)) throw error;
    throw new ScbError("usage", await describe(), { cause: error });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function macaroonHint(lndDir: string): Promise<string> {
  const chainDir = join(lndDir, "data", "chain", "bitcoin");
  let used: readonly string[] = [];
  try {
    used = await readdir(chainDir);
  } catch (error) {
    if (!isNotFound(error)) throw new ScbError("io", `cannot list ${chainDir}`, { cause: error });
  }
  const others =
    used.length === 0 ? "" : ` (this lnd has been on ${used.join(", ")}: give --network)`;
  return `lnd writes it when its wallet is created (\`lncli create\`)${others}; or give --macaroonpath`;
}
