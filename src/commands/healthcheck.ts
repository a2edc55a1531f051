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

/** Less than Docker and Kubernetes wait, so that the message is ours. */
const timeoutMs = 3_000;
const mostSizeBytes = 64 * 1024;

/** Throws "io" if there is no answer, which is 1 as well. */
export const healthcheckAction: Action<HealthcheckOptions> = async (context) => {
  const { settings, options, terminal, json, signal } = context;
  const { listen } = settings;
  if (listen === undefined) {
    const message = "no address is given: give the --listen of the run (or SCB_MIRROR_LISTEN)";
    throw new ScbError("usage", message);
  }
  const path = options.ready ? "/readyz" : "/healthz";
  const { ok, status, text } = await ask(addressToAsk(listen), path, signal);
  if (json) terminal.json({ ok, status, text });
  else for (const line of text.trimEnd().split("\n")) terminal.line(line);
  return ok ? exitCodes.done : exitCodes.failed;
};

/** Who listens on all addresses is asked on this machine's own. */
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
  // A run that listens at a name answers to addresses and to localhost.
  const headers = { host: isIP(host) === 0 ? "localhost" : where };
  try {
    const request = get({ host, port, path, headers, agent: false, signal: within });
    const [response]: IncomingMessage[] = await once(request, "response", { signal: within });
    if (response === undefined) throw new ScbError("io", "there was no answer");
    const status = response.statusCode ?? 0;
    const bytes = await boundedRead(response, mostSizeBytes);
    if (bytes === null) throw new ScbError("io", "the answer is no run's: it is too long");
    return { ok: status === 200, status, text: Buffer.from(bytes).toString("utf8") };
  } catch (error) {
    const reason = within.aborted
      ? `no answer within ${timeoutMs / 1000} s`
      : error instanceof Error
        ? error.message
        : String(error);
    const message = `no run answers at http://${where}${path}: ${reason}: is scb-mirror run up, with --listen?`;
    throw new ScbError("io", message, { cause: error });
  }
}
