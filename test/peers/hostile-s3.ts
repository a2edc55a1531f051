import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type S3Asked, SmallS3 } from "./small-s3.ts";

/** How a service answers one request. The request's body has been read by then. */
export type Answer = (
  asked: S3Asked,
  response: ServerResponse,
  request: IncomingMessage,
) => void | Promise<void>;

interface Script {
  readonly on: (asked: S3Asked) => boolean;
  readonly answer: Answer;
  times: number;
}

/**
 * An S3 service on 127.0.0.1 that gives scripted answers: to every request, or to those that a script picks.
 * All other requests get the honest answers of a small S3 with conditional writes.
 */
export class HostileS3 implements AsyncDisposable {
  readonly requests: S3Asked[] = [];
  /** Answers every request, unless it is null. */
  answer: Answer | null = null;
  readonly #honest = new SmallS3();
  readonly #scripts: Script[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method = "", url = "", headers } = request;
      const asked = { method, url, headers, body: Buffer.concat(chunks) };
      this.requests.push(asked);
      await this.#pick(asked)(asked, response, request);
    });
  }

  static async start(): Promise<HostileS3> {
    const started = new HostileS3();
    await new Promise<void>((resolve) => started.#server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The object that the honest part holds under a key of the bucket. */
  held(key: string): Buffer | undefined {
    return this.#honest.held(key);
  }

  /** Sets the answer to the next `times` requests that `on` picks. */
  script(on: (asked: S3Asked) => boolean, answer: Answer, times = 1): void {
    this.#scripts.push({ on, answer, times });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pick(asked: S3Asked): Answer {
    const script = this.#scripts.find(({ on, times }) => times > 0 && on(asked));
    if (script !== undefined) {
      script.times -= 1;
      return script.answer;
    }
    return this.answer ?? ((honest, response) => this.#honest.answer(honest, response));
  }
}
