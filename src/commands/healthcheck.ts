import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { boundedRead } from "../runtime/bounded-read.ts";
import { ScbError } from "../runtime/error.ts";
import { formatHostAndPort, type HostAndPort } from "../runtime/host-and-port.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";

interface HealthcheckOptions {
  readonly ready: boolean;
}

/** Shorter than Docker's and Kubernetes' timeouts, so that our message is the one that shows. */
const timeoutMs = 3_000;
const mostSizeBytes = 64 * 1024;

/** Throws "io" if there is no answer, which also exits with 1. */
export const healthcheckAction: Action<HealthcheckOptions> = async (context) => {
  const { settings, options, terminal, json, signal } = context;
  const { listen } = settings;
  if (listen === undefined) {
    const message = "there is no address to ask: give the run's --listen (or SCB_MIRROR_LISTEN)";
    throw new ScbError("usage", message);
  }
  const path = options.ready ? "/readyz" : "/healthz";
  const { ok, status, text } = await ask(addressToAsk(listen), path, signal);
  if (json) terminal.json({ ok, status, text });
  else for (const line of text.trimEnd().split("\n")) terminal.line(line);
  return ok ? exitCodes.done : exitCodes.failed;
};

/** A run that listens on all addresses is asked on loopback. */
function addressToAsk({ host, port }: HostAndPort): HostAndPort {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return isIP(host) === 6 && /^[0:]+$/.test(host) ? { host: "::1", port } : { host, port };
}

async function ask(
  { host, port }: HostAndPort,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }> {
  const where = formatHostAndPort({ host, port });
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  // A run that listens on a host name still answers to IP addresses and to localhost.
  const headers = { host: isIP(host) === 0 ? "localhost" : where };
  try {
    const request = get({ host, port, path, headers, agent: false, signal: within });
    const [response]: IncomingMessage[] = await once(request, "response", { signal: within });
    if (response === undefined) throw new ScbError("io", "there was no answer");
    const status = response.statusCode ?? 0;
    const bytes = await boundedRead(response, mostSizeBytes);
    if (bytes === null)
      throw new ScbError("io", "the answer is too long to be from scb-mirror run");
    return { ok: status === 200, status, text: Buffer.from(bytes).toString("utf8") };
  } catch (error) {
    const reason = within.aborted
      ? `no answer within ${timeoutMs / 1000} s`
      : error instanceof Error
        ? error.message
        : String(error);
    const message = `scb-mirror run doesn't answer at http://${where}${path}: ${reason}: check that it is up, with --listen`;
    throw new ScbError("io", message, { cause: error });
  }
}
