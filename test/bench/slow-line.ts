import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { z } from "zod";

/** A line to a store on which each byte takes half of the latency in each direction. */
export interface SlowLine extends Disposable {
  /** Where the store seems to be. */
  readonly endpoint: string;
}

const workerDataSchema = z.object({
  hostname: z.string(),
  port: z.number(),
  latencyMs: z.number(),
});

/**
 * The line runs in a thread of its own, so that what is measured does not share its event loop.
 * Without latency there is no line: the endpoint is the store's own.
 */
export async function startSlowLine(endpoint: string, latencyMs: number): Promise<SlowLine> {
  if (latencyMs === 0) return { endpoint, [Symbol.dispose]: () => undefined };
  const { hostname, port } = new URL(endpoint);
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { hostname, port: Number(port), latencyMs },
  });
  const [ownPort] = await once(worker, "message");
  worker.unref();
  return {
    endpoint: `http://127.0.0.1:${ownPort}`,
    [Symbol.dispose]: () => void worker.terminate(),
  };
}

async function runLine(): Promise<void> {
  const { hostname, port, latencyMs } = workerDataSchema.parse(workerData);
  const server = createServer((client) => {
    const store = connect({ host: hostname, port });
    pipeLate(client, store, latencyMs / 2);
    pipeLate(store, client, latencyMs / 2);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  parentPort?.postMessage(typeof address === "object" ? address?.port : undefined);
}

function pipeLate(from: Socket, to: Socket, ms: number): void {
  from.setNoDelay(true);
  from.on("data", (bytes) => setTimeout(() => to.write(bytes), ms));
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), ms));
}

if (!isMainThread) await runLine();
