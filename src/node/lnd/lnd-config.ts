import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Network } from "../../keychain/network.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { homeFolder } from "../../runtime/home-folder.ts";
import type { HostAndPort } from "../../runtime/host-and-port.ts";
import { fileCredentials, type LndCredentials, systemAuthorities } from "./credentials.ts";
import { defaultLndPort, parseLndAddress } from "./lnd-address.ts";
import { parseLndconnectUri } from "./lndconnect-uri.ts";

/** lncli's flags, by lncli's names and with its defaults, or one lndconnect URI instead. */
export interface LndOptions {
  readonly rpcserver?: string | undefined;
  readonly lnddir?: string | undefined;
  readonly network?: Network | undefined;
  readonly tlscertpath?: string | undefined;
  readonly macaroonpath?: string | undefined;
  /** Can be combined with an lndconnect URI. */
  readonly socksproxy?: HostAndPort | undefined;
  /** A secret: it holds a macaroon. */
  readonly lndconnect?: string | undefined;
}

/** How to reach one lnd. Safe to print: it knows where secrets are, not what they are. */
export interface LndConfig {
  /** `host:port`. */
  readonly address: string;
  readonly credentials: LndCredentials;
  /** The SOCKS5 proxy for the connection. Default: none. */
  readonly socksProxy?: HostAndPort | undefined;
  /** The network that the operator named, so that a node on another one is refused; otherwise null. */
  readonly network: Network | null;
}

/** The folders that the defaults depend on. */
export interface HomeFolders {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** LOCALAPPDATA, on Windows. */
  readonly localAppData?: string | undefined;
}

/**
 * Fills in the options' defaults and checks the files that they name. Throws "usage" if a file is missing
 * or options contradict each other, "io" if a file can't be read, and what `LndCredentials` throws for
 * invalid content.
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
  const { socksproxy: socksProxy, network = "mainnet" } = options;
  const { lndDir, tlsCertPath, macaroonPath } = lndFiles(options, folders);
  const credentials = fileCredentials(tlsCertPath, macaroonPath);
  await orMissing(
    () => credentials.readCertificate(),
    () =>
      `there is no tls.cert at ${tlsCertPath}: is lnd installed here, and has it run? If it is elsewhere, give --lnddir or --tlscertpath`,
  );
  await orMissing(
    () => credentials.readMacaroon(),
    async () =>
      `there is no macaroon at ${macaroonPath}: ${options.macaroonpath === undefined ? await macaroonHint(lndDir) : "correct --macaroonpath"}`,
  );
  // With a macaroon of the operator's choice and no named network, any network that lnd is on is right.
  const isNamed = options.network !== undefined || options.macaroonpath === undefined;
  return { address, credentials, socksProxy, network: isNamed ? network : null };
}

export interface LndFiles {
  readonly lndDir: string;
  /** Null if an authority that the system trusts has signed the certificate. */
  readonly tlsCertPath: string | null;
  readonly macaroonPath: string;
}

/** The files that the options name, with lncli's defaults, as absolute paths. */
export function lndFiles(
  options: Pick<LndOptions, "lnddir" | "network" | "tlscertpath" | "macaroonpath">,
  folders: HomeFolders = systemFolders(),
): LndFiles {
  const { lnddir, network = "mainnet", macaroonpath } = options;
  const lndDir = lnddir === undefined ? defaultLndDir(folders) : expandPath(lnddir, folders);
  const { tlscertpath = join(lndDir, "tls.cert") } = options;
  const adminMacaroon = join(lndDir, "data", "chain", "bitcoin", network, "admin.macaroon");
  return {
    lndDir,
    tlsCertPath: tlscertpath === systemAuthorities ? null : expandPath(tlscertpath, folders),
    macaroonPath: expandPath(macaroonpath ?? adminMacaroon, folders),
  };
}

function fromUri(options: LndOptions, uri: string): LndConfig {
  const { lndconnect: _uri, network, socksproxy: socksProxy, ...others } = options;
  const doubled = Object.entries(others).find(([, value]) => value !== undefined);
  if (doubled !== undefined) {
    throw new ScbError(
      "usage",
      `--lndconnect can't be combined with --${doubled[0]}: remove one of them`,
    );
  }
  return { ...parseLndconnectUri(uri), socksProxy, network: network ?? null };
}

/** lnd's default folder (btcutil `AppDataDir`). */
export function defaultLndDir({ platform, home, localAppData }: HomeFolders): string {
  if (platform === "win32") return join(localAppData ?? join(home, "AppData", "Local"), "Lnd");
  if (platform === "darwin") return join(home, "Library", "Application Support", "Lnd");
  return join(home, ".lnd");
}

export function systemFolders(): HomeFolders {
  return {
    platform: process.platform,
    home: homeFolder(),
    localAppData: process.env["LOCALAPPDATA"],
  };
}

/** Absolute; `~` is the user's home folder. */
export function expandPath(
  path: string,
  { home }: Pick<HomeFolders, "home"> = systemFolders(),
): string {
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
    if (!isNotFound(error)) throw new ScbError("io", `can't list ${chainDir}`, { cause: error });
  }
  const others =
    used.length === 0 ? "" : ` (this lnd has been on ${used.join(", ")}: give --network)`;
  return `lnd writes it when its wallet is created (\`lncli create\`)${others}; if it is elsewhere, give --macaroonpath`;
}
