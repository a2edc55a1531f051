import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { type DebianTools, provisionTools } from "./debian-tools.ts";
import { freePort } from "./free-port.ts";
import { waitFor } from "./wait-for.ts";

const programs = ["/usr/bin/microsocks", "/usr/bin/tinyproxy"] as const;

/** Whom a proxy lets through; null for anybody. */
export type ProxyUser = { readonly name: string; readonly password: string } | null;

/** A real proxy on 127.0.0.1. */
export interface ProxyServer extends AsyncDisposable {
  readonly port: number;
  /** Its log so far: the hosts that it was asked for. */
  log(): Promise<string>;
}

export const proxies: DebianTools = {
  name: "proxies",
  programs,
  packages: ["microsocks", "tinyproxy-bin"],
};

/** A SOCKS5 proxy: microsocks. */
export function startSocksProxy(user: ProxyUser = null): Promise<ProxyServer> {
  const credentials = user === null ? [] : ["-u", user.name, "-P", user.password];
  return start("microsocks", async (port) => [
    programs[0],
    ...["-i", "127.0.0.1", "-p", String(port), ...credentials],
  ]);
}

/** An HTTP proxy, with CONNECT: tinyproxy. `refused` are hosts that its rules don't allow. */
export function startHttpProxy(
  user: ProxyUser = null,
  refused: readonly string[] = [],
): Promise<ProxyServer> {
  return start("tinyproxy", async (port, folder) => {
    const [config, filter] = [join(folder, "tinyproxy.conf"), join(folder, "refused")];
    await writeFile(filter, refused.map((host) => `${host}\n`).join(""));
    const lines = [
      `Port ${port}`,
      "Listen 127.0.0.1",
      "LogLevel Connect",
      "MaxClients 50",
      "Timeout 60",
      `Filter "${filter}"`,
      ...(user === null ? [] : [`BasicAuth ${user.name} ${user.password}`]),
    ];
    await writeFile(config, `${lines.join("\n")}\n`);
    return [programs[1], "-d", "-c", config];
  });
}

async function start(
  name: string,
  commandOf: (port: number, folder: string) => Promise<readonly [string, ...string[]]>,
): Promise<ProxyServer> {
  await provisionTools(proxies);
  const folder = await mkdtemp(join(tmpdir(), "scb-proxy-"));
  const port = await freePort();
  const [command, ...args] = await commandOf(port, folder);
  const logPath = join(folder, "log");
  const child = await startChild(name, command, args, { logPath });
  await waitFor(`${name} on port ${port}`, () => canConnect(port), {
    timeoutMs: 30_000,
    everyMs: 20,
    details: child.logTail,
    hopeless: child.ended,
  });
  return {
    port,
    log: () => readFile(logPath, "utf8"),
    async [Symbol.asyncDispose]() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether something listens on that port of this machine. */
export function canConnect(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(undefined));
  });
}
