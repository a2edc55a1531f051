import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import {
  deliver,
  deliverHalf,
  headersWithout,
  trickle,
  type WholeAnswer,
  type WholeRequest,
} from "./delivery.ts";
import type { Delivery, Exchange, LoggedBody, Told } from "./exchange.ts";
import { type Fault, type S3Refusal, s3Refusals } from "./fault.ts";
import { type FaultPlan, passAll } from "./fault-plan.ts";

/** Nobody listens; or connections are accepted but never answered. */
export type Outage = "refused" | "black-hole";

export interface FaultProxyOptions {
  /** Where the store is: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** Which bodies the log keeps as text. Default: none. */
  readonly keepsBody?: (path: string) => boolean;
}

/**
 * Stands between an S3 client and its store, and does to each request what the plan says.
 * `exchanges` records exactly what happened: what the client asked, what the store received and answered,
 * and what the client was told. So a checker can judge client and store from outside.
 *
 * The client signs for the proxy's address, and the store checks the signature against the `Host`
 * that it gets, so requests go through as they come, byte for byte.
 */
export class FaultProxy implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  /** May be changed at any time; applies to the requests that come from then on. */
  plan: FaultPlan = passAll;
  #store: URL;
  readonly #port: number;
  readonly #keepsBody: (path: string) => boolean;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #underWay = new Set<Promise<void>>();
  #server: Server | null = null;
  #isBlackHole = false;
  #events = 0;

  private constructor({ endpoint, keepsBody = () => false }: FaultProxyOptions, port: number) {
    this.#store = new URL(endpoint);
    this.#keepsBody = keepsBody;
    this.#port = port;
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options, await freePort());
    await proxy.#listen();
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** From now on, until `restore`. Requests under way are lost. */
  async breakOff(outage: Outage): Promise<void> {
    if (outage === "black-hole") this.#isBlackHole = true;
    else await this.#close();
  }

  /** The store can be reached again. Requests that hung in a black hole are never answered. */
  async restore(): Promise<void> {
    this.#isBlackHole = false;
    if (this.#server === null) await this.#listen();
  }

  /** Puts another store behind the proxy, from now on. */
  turnTo(endpoint: string): void {
    this.#store = new URL(endpoint);
  }

  /** Resolves when all late requests have been delivered to the store. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    this.#agent.destroy();
  }

  async #listen(): Promise<void> {
    // The proxy closes no connections on its own: only the plan causes resets.
    const server = createServer(
      { keepAliveTimeout: 0, requestTimeout: 0 },
      (incoming, outgoing) => {
        const handled = this.#handle(incoming, outgoing).finally(() =>
          this.#underWay.delete(handled),
        );
        this.#underWay.add(handled);
      },
    );
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await once(server, "close");
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on("error", () => undefined);
    const request = await readRequest(incoming);
    if (request === null) return;
    const [path = "", query = ""] = request.target.split("?", 2);
    const line = { method: request.method, path: decodeURIComponent(path) };
    const fault: Fault = this.#isBlackHole
      ? { kind: "lose-request", how: "hang" }
      : this.plan(line);
    const deliveries: Delivery[] = [];
    const exchange = {
      ...line,
      number: this.exchanges.length,
      query,
      ifMatch: incoming.headers["if-match"] ?? null,
      ifNoneMatch: incoming.headers["if-none-match"] ?? null,
      body: this.#logged(line.path, request.body),
      fault,
      deliveries,
      told: null as Told | null,
      atMs: performance.now(),
    };
    this.exchanges.push(exchange);
    const client = new Client(
      outgoing,
      () => this.#isBlackHole,
      (told) => {
        exchange.told = told;
      },
    );
    const give = async (bytesPerSecond?: number): Promise<WholeAnswer | null> => {
      const delivery = { sentAt: this.#events++, isCut: false, answer: null as Delivery["answer"] };
      deliveries.push(delivery);
      const answer = await deliver(this.#store, this.#agent, request, {
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      });
      if (answer !== null) {
        delivery.answer = {
          answeredAt: this.#events++,
          status: answer.status,
          etag: answer.etag,
          body: this.#logged(line.path, answer.body),
        };
      }
      return answer;
    };

    switch (fault.kind) {
      case "pass":
        return client.tell(await give());
      case "lose-request":
        return client.lose(fault.how);
      case "lose-answer":
        await give();
        return client.lose(fault.how);
      case "refuse":
        return client.refuse(fault.with);
      case "fail-after":
        await give();
        return client.refuse(fault.with);
      case "cut-request":
        deliveries.push({ sentAt: this.#events++, isCut: true, answer: null });
        await deliverHalf(this.#store, this.#agent, request);
        return client.lose("reset");
      case "cut-answer":
        return client.tellHalf(await give(), fault.framing);
      case "slow": {
        const halfMs = (fault.ms + Math.random() * fault.jitterMs) / 2;
        await delay(halfMs);
        const answer = await give();
        await delay(halfMs);
        return client.tell(answer);
      }
      case "trickle":
        return client.tell(await give(fault.bytesPerSecond), fault.bytesPerSecond);
      case "late":
        if (fault.tell === "504") await client.refuse("GatewayTimeout");
        else client.lose("hang");
        await delay(fault.ms);
        await give();
        return;
      case "twice": {
        const answers = [await give(), await give()];
        return client.tell(answers[fault.tell === "first" ? 0 : 1] ?? null);
      }
    }
  }

  #logged(path: string, body: Buffer): LoggedBody {
    return {
      sizeBytes: body.length,
      sha256: createHash("sha256").update(body).digest("hex"),
      text: this.#keepsBody(path) ? body.toString("utf8") : null,
    };
  }
}

/** The side of the proxy that the client sees. */
class Client {
  readonly #outgoing: ServerResponse;
  readonly #isBlackHole: () => boolean;
  readonly #note: (told: Told) => void;

  constructor(outgoing: ServerResponse, isBlackHole: () => boolean, note: (told: Told) => void) {
    this.#outgoing = outgoing;
    this.#isBlackHole = isBlackHole;
    this.#note = note;
  }

  /** If the store gave no answer, the client gets none. */
  async tell(answer: WholeAnswer | null, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<void> {
    if (answer === null || this.#outgoing.destroyed) return this.lose("reset");
    if (this.#isBlackHole()) return this.lose("hang");
    const { status, rawHeaders, body } = answer;
    this.#note(status);
    this.#outgoing.writeHead(status, [...withLength(rawHeaders, body)]);
    await trickle(body, bytesPerSecond, (piece) => this.#outgoing.write(piece));
    this.#outgoing.end();
  }

  async refuse(refusal: S3Refusal): Promise<void> {
    const { status, message } = s3Refusals[refusal];
    const body = Buffer.from(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${refusal}</Code><Message>${message}</Message><RequestId>0</RequestId></Error>`,
    );
    await this.tell({ status, rawHeaders: ["content-type", "application/xml"], etag: null, body });
  }

  async tellHalf(
    answer: WholeAnswer | null,
    framing: "content-length" | "chunked" | "none",
  ): Promise<void> {
    if (answer === null) return this.lose("reset");
    const { socket } = this.#outgoing;
    const { status, body } = answer;
    this.#note("cut");
    const bare = headersWithout(answer.rawHeaders, ["content-length"]);
    const half = body.subarray(0, body.length / 2);
    const head = [`HTTP/1.1 ${status} Cut`];
    for (let at = 0; at < bare.length; at += 2) head.push(`${bare[at]}: ${bare[at + 1]}`);
    // Bypasses Node's HTTP, which would write a correct answer.
    if (framing === "content-length") head.push(`Content-Length: ${body.length}`);
    if (framing === "chunked") head.push("Transfer-Encoding: chunked");
    socket?.write(`${head.join("\r\n")}\r\nConnection: close\r\n\r\n`);
    socket?.write(
      framing === "chunked"
        ? Buffer.concat([Buffer.from(`${half.length.toString(16)}\r\n`), half, Buffer.from("\r\n")])
        : half,
    );
    socket?.end();
  }

  lose(how: "reset" | "hang"): void {
    this.#note(how === "reset" ? "reset" : "nothing");
    if (how === "reset") this.#outgoing.socket?.resetAndDestroy();
  }
}

function withLength(rawHeaders: readonly string[], body: Buffer): readonly string[] {
  const hasLength = rawHeaders.some((name, at) => at % 2 === 0 && /^content-length$/i.test(name));
  return hasLength ? rawHeaders : [...rawHeaders, "content-length", String(body.length)];
}

/** Null if the client breaks off before it has sent everything. */
async function readRequest(incoming: IncomingMessage): Promise<WholeRequest | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch {
    return null;
  }
  return {
    method: incoming.method ?? "",
    target: incoming.url ?? "/",
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks),
  };
}
