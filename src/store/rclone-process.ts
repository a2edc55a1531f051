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
 * Runs "$@" until standard input ends, which it does when this program ends, however it ends. rclone
 * alone holds the other end of standard error, so that ends with rclone.
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

/** One rclone that serves its remote control on a port of this machine, to this program alone. */
export class RcloneProcess {
  /** Rejects with what rclone said last when it has ended; never resolves. */
  readonly ended: Promise<never>;
  /** Without a slash at its end; resolves when it serves. */
  readonly url: Promise<string>;
  /** The value of the header with which it knows us. */
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
      // It is asked again by whoever knows what that means.
      ...["--retries", "1", "--low-level-retries", "1"],
      ...["--contimeout", `${connectTimeoutMs}ms`, "--timeout", `${requestTimeoutMs}ms`],
      // A backup is a few kilobytes, and 16 MB for each upload too much on a small machine.
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
    // Whoever asks hears it; nobody may be asking.
    ended.catch(() => undefined);
    url.catch(() => undefined);
    ended.catch(fails);
    this.#gone = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#hasEnded = true;
        end(new ScbError("usage", `rclone can't be started: ${error.message}`, { cause: error }));
        resolve();
      });
      this.#child.once("close", (code) => {
        end(code === notFound ? notInstalled() : new RcloneTrouble(this.#lastWords(code)));
        resolve();
      });
    });
    this.#child.once("exit", () => {
      this.#hasEnded = true;
      // Only if somebody has killed the guard is there anything left.
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
    // Whoever waits for an answer keeps this program alive, not the process.
    this.#child.unref();
    for (const stream of [this.#child.stdin, this.#child.stderr]) {
      if ("unref" in stream && typeof stream.unref === "function") stream.unref();
    }
  }

  /** The process, once it serves. Throws `RcloneTrouble`, or "usage" where there is no rclone. */
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

  /** Ends it at once, whatever it does; resolves when nothing is left of it. May be called twice. */
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
    "there is no rclone in PATH: install it (Debian: apt install rclone, else https://rclone.org/install), version 1.60 or newer",
  );
}
