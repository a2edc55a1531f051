import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { rcloneEnvironment, rcloneSecrets } from "./rclone-environment.ts";
import { RcloneTrouble, rcloneText } from "./rclone-errors.ts";

export interface RcloneProcessOptions {
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Runs "$@" until standard input ends, which happens when this program ends, however it ends. Only rclone
 * holds the other end of standard error, so that ends with rclone.
 */
const guard = `
command -v "$1" >/dev/null 2>&1 || exit 127
"$@" </dev/null &
exec >/dev/null 2>&1
read -r _
kill -KILL $!
wait $!
`;
const notFound = 127;
const keptLogBytes = 4096;

/** One rclone, serving its remote control on a local port, only to this program. */
export class RcloneProcess {
  /** Rejects with rclone's last output when it has ended; never resolves. */
  readonly ended: Promise<never>;
  /** Without a trailing slash. Resolves when rclone serves. */
  readonly url: Promise<string>;
  /** The value of the header that authenticates us to it. */
  readonly authorization: string;
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  readonly #secrets: readonly string[];
  readonly #gone: Promise<void>;
  #log = "";
  #hasEnded = false;

  constructor(options: RcloneProcessOptions) {
    const { requestTimeoutMs, connectTimeoutMs, random, environment } = options;
    const password = bytesToHex(random.bytes(32));
    this.authorization = `Basic ${Buffer.from(`scb-mirror:${password}`).toString("base64")}`;
    this.#secrets = [password, ...rcloneSecrets(environment)];
    const flags = [
      ...["--rc-addr", "127.0.0.1:0", "--rc-serve", "--rc-user", "scb-mirror"],
      ...["--log-level", "NOTICE", "--ask-password=false", "--ignore-times"],
      // Only the caller knows what a repetition means.
      ...["--retries", "1", "--low-level-retries", "1"],
      ...["--contimeout", `${connectTimeoutMs}ms`, "--timeout", `${requestTimeoutMs}ms`],
      // A backup has a few kilobytes, and 16 MB for each upload are too much for a small machine.
      ...["--buffer-size", "0", "--streaming-upload-cutoff", "1Mi"],
    ];
    this.#child = spawn("sh", ["-c", guard, "sh", "rclone", "rcd", ...flags], {
      stdio: ["pipe", "ignore", "pipe"],
      env: { ...rcloneEnvironment(environment), RCLONE_RC_PASS: password },
      // A Ctrl-C at the terminal is for this program, which may have a swap to finish.
      detached: true,
    });
    const { promise: ended, reject: end } = Promise.withResolvers<never>();
    const { promise: url, resolve: serves, reject: fails } = Promise.withResolvers<string>();
    this.ended = ended;
    this.url = url;
    // Every call handles this rejection, but there may be no call.
    ended.catch(() => undefined);
    url.catch(() => undefined);
    ended.catch(fails);
    this.#gone = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#hasEnded = true;
        end(new ScbError("usage", `can't start rclone: ${error.message}`, { cause: error }));
        resolve();
      });
      this.#child.once("close", (code) => {
        end(code === notFound ? notInstalled() : new RcloneTrouble(this.#lastWords(code)));
        resolve();
      });
    });
    this.#child.once("exit", () => {
      this.#hasEnded = true;
      // Anything is left only if the guard was killed.
      this.#killGroup();
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.setEncoding("utf8");
    this.#child.stderr.on("data", (text: string) => {
      this.#log = `${this.#log}${text}`.slice(-keptLogBytes);
      const address = /Serving remote control on (http:\/\/127\.0\.0\.1:\d+)/.exec(this.#log)?.[1];
      if (address !== undefined) serves(address);
    });
    this.#child.stderr.once("close", () => this.#child.stdin.end());
    // Callers that await an answer keep this program alive; rclone's process doesn't.
    this.#child.unref();
    for (const stream of [this.#child.stdin, this.#child.stderr]) {
      if ("unref" in stream && typeof stream.unref === "function") stream.unref();
    }
  }

  /** Returns the process once it serves. Throws `RcloneTrouble`, or "usage" if there is no rclone. */
  static async start(options: RcloneProcessOptions, signal?: AbortSignal): Promise<RcloneProcess> {
    const { clock, requestTimeoutMs } = options;
    const started = new RcloneProcess(options);
    const late = (): Error => new RcloneTrouble("it doesn't start");
    try {
      await withinDeadline({ clock, ms: requestTimeoutMs, signal, late }, () => started.url);
      return started;
    } catch (error) {
      await started.end();
      throw error;
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Without secrets. */
  text(text: string): string {
    return rcloneText(text, this.#secrets);
  }

  /** Ends it immediately; resolves when nothing is left of it. May be called twice. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin.end();
    await this.#gone;
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
  }

  #lastWords(code: number | null): string {
    const [last] = this.#log
      .split("\n")
      .filter((line) => /ERROR|CRITICAL|Fatal|Failed/.test(line))
      .slice(-1)
      .map((line) => line.replace(/^[\d/]+ [\d:]+ (?:ERROR|CRITICAL|NOTICE) *: */, ""));
    const how = code === null ? "it was killed" : `it ended with code ${code}`;
    return last === undefined ? how : `${this.text(last)}; ${how}`;
  }
}

function notInstalled(): ScbError {
  return new ScbError(
    "usage",
    "there is no rclone in PATH: install version 1.60 or newer (Debian: apt install rclone; otherwise see https://rclone.org/install)",
  );
}
