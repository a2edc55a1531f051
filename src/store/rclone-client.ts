import { Agent, type IncomingMessage, request } from "node:http";
import { bytesToHex } from "@noble/hashes/utils.js";
import { z } from "zod";
import { throwIfAborted } from "../runtime/abort.ts";
import { boundedRead } from "../runtime/bounded-read.ts";
import { ScbError } from "../runtime/error.ts";
import { RcloneTrouble } from "./rclone-errors.ts";
import { RcloneProcess, type RcloneProcessOptions } from "./rclone-process.ts";

/** The oldest release known to answer every call made here. */
const oldestVersion = [1, 60] as const;
const longestAnswerBytes = 64 * 1024;
/** How long rclone's process may outlive its connections. */
const endsWithinMs = 500;

const versionSchema = z.object({ version: z.string(), decomposed: z.array(z.number()) });
const errorSchema = z.object({ error: z.string() });

interface RcloneRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  readonly maxBytes: number;
}

interface RcloneAnswer {
  readonly status: number;
  /** Null if there are more than `maxBytes`. */
  readonly bytes: Uint8Array | null;
}

/** The connection to rclone broke, perhaps because it ended. */
class BrokenOff extends Error {
  /** rclone may have received the request. */
  readonly wasSent: boolean;

  constructor(code: string, wasSent: boolean) {
    super(`it broke off (${code})`);
    this.wasSent = wasSent;
  }
}

/**
 * Calls one rclone, which is started when needed and again after it has ended. Throws `RcloneTrouble`,
 * "usage" if there is no suitable rclone, and "aborted".
 */
export class RcloneClient {
  readonly #options: RcloneProcessOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #starting: Promise<RcloneProcess> | null = null;
  #running: RcloneProcess | null = null;
  #isClosed = false;

  constructor(options: RcloneProcessOptions) {
    this.#options = options;
  }

  /** One call of the remote control. Null for what rclone reports as not found. */
  async call(
    method: string,
    parameters: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    maxBytes: number = longestAnswerBytes,
  ): Promise<unknown> {
    const answer = await this.#ask(
      {
        method: "POST",
        path: `/${method}`,
        contentType: "application/json",
        body: JSON.stringify(parameters),
        maxBytes,
      },
      signal,
    );
    if (answer === null) return null;
    if (answer.bytes === null) throw new RcloneTrouble("it answers with more than can be read");
    return parseJson(answer.bytes);
  }

  /** The content of a file; null if there is none, "too-large" if it is more than `maxBytes`. */
  async read(
    fs: string,
    file: string,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array | "too-large" | null> {
    const path = `/${encodeURIComponent(`[${fs}]`)}/${file.split("/").map(encodeURIComponent).join("/")}`;
    const answer = await this.#ask({ method: "GET", path, maxBytes }, signal);
    return answer === null ? null : (answer.bytes ?? "too-large");
  }

  /** Writes a file directly under its name, so a reader may see part of it. */
  async upload(fs: string, file: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const slash = file.lastIndexOf("/");
    const [folder, name] = [file.slice(0, Math.max(0, slash)), file.slice(slash + 1)];
    const boundary = bytesToHex(this.#options.random.bytes(16));
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const query = new URLSearchParams({ fs, remote: folder }).toString();
    const answer = await this.#ask(
      {
        method: "POST",
        path: `/operations/uploadfile?${query}`,
        contentType: `multipart/form-data; boundary=${boundary}`,
        body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
        maxBytes: longestAnswerBytes,
      },
      signal,
    );
    if (answer === null) throw new RcloneTrouble("directory not found");
  }

  /** Ends an rclone that doesn't answer, so that the next call starts a new one. */
  endProcess(): void {
    void this.#running?.end();
    this.#running = null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#agent.destroy();
    const started = await this.#starting?.catch(() => null);
    await (started ?? this.#running)?.end();
  }

  /** Null for what rclone reports as not found. */
  async #ask(asked: RcloneRequest, signal?: AbortSignal): Promise<RcloneAnswer | null> {
    for (let attempt = 1; ; attempt += 1) {
      throwIfAborted(signal);
      const running = await this.#process(signal);
      try {
        const answer = await Promise.race([this.#send(running, asked, signal), running.ended]);
        if (answer.status >= 200 && answer.status < 300) return answer;
        const text = running.text(errorText(answer.bytes));
        if (answer.status === 404 && /(?:object|file|directory) not found/.test(text)) return null;
        throw new RcloneTrouble(text, answer.status);
      } catch (error) {
        throwIfAborted(signal);
        if (!(error instanceof BrokenOff)) throw error;
        const end = await this.#endOf(running, signal);
        // It had ended before the request, unnoticed.
        if (!error.wasSent && attempt === 1) continue;
        throw end ?? new RcloneTrouble(error.message);
      }
    }
  }

  /** Why an rclone whose connection broke has ended; null if it hasn't. */
  async #endOf(running: RcloneProcess, signal: AbortSignal | undefined): Promise<unknown> {
    const nothing = (): null => null;
    const waited = this.#options.clock.sleep(endsWithinMs, signal).then(nothing, nothing);
    return Promise.race([running.ended.catch((end: unknown) => end), waited]);
  }

  async #process(signal: AbortSignal | undefined): Promise<RcloneProcess> {
    if (this.#isClosed) throw new ScbError("internal", "the rclone store was closed");
    if (this.#running !== null && !this.#running.hasEnded) return this.#running;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    // Several callers may await the same start, so one caller's signal must not end it.
    const running = await this.#starting;
    throwIfAborted(signal);
    return running;
  }

  async #start(): Promise<RcloneProcess> {
    const running = await RcloneProcess.start(this.#options);
    try {
      await this.#checkVersion(running);
    } catch (error) {
      await running.end();
      throw error;
    }
    this.#running = running;
    return running;
  }

  async #checkVersion(running: RcloneProcess): Promise<void> {
    const asked = { method: "POST", path: "/core/version", maxBytes: longestAnswerBytes } as const;
    const { status, bytes } = await Promise.race([this.#send(running, asked), running.ended]);
    const parsed = versionSchema.safeParse(status === 200 && bytes !== null && parseJson(bytes));
    if (!parsed.success) throw new RcloneTrouble("it doesn't tell its version");
    const { version, decomposed } = parsed.data;
    const [major = 0, minor = 0] = decomposed;
    const [oldestMajor, oldestMinor] = oldestVersion;
    if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
    throw new ScbError(
      "usage",
      `rclone ${oldestVersion.join(".")} or newer is needed, but the one in PATH is ${running.text(version)}: see https://rclone.org/install`,
    );
  }

  async #send(
    running: RcloneProcess,
    { method, path, contentType, body, maxBytes }: RcloneRequest,
    signal?: AbortSignal,
  ): Promise<RcloneAnswer> {
    const url = `${await running.url}${path}`;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sending = request(url, {
        method,
        agent: this.#agent,
        ...(signal && { signal }),
        headers: {
          authorization: running.authorization,
          "content-length": body === undefined ? 0 : Buffer.byteLength(body),
          ...(contentType !== undefined && { "content-type": contentType }),
        },
      });
      sending.once("response", resolve);
      sending.once("error", (error: Error & { readonly code?: string }) =>
        reject(new BrokenOff(error.code ?? error.name, error.code !== "ECONNREFUSED")),
      );
      sending.end(body);
    });
    try {
      const status = answer.statusCode ?? 0;
      const isDone = status >= 200 && status < 300;
      return { status, bytes: await boundedRead(answer, isDone ? maxBytes : longestAnswerBytes) };
    } catch (error) {
      throw new BrokenOff(error instanceof Error ? error.name : "no error", true);
    }
  }
}

function errorText(bytes: Uint8Array | null): string {
  const parsed = errorSchema.safeParse(bytes === null ? undefined : parseJson(bytes));
  return parsed.success ? parsed.data.error : "";
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
