import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { runCommand } from "../peers/run-command.ts";
import { cliPath } from "../support/cli.ts";
import type { CommandBlock } from "./pages.ts";

const pageMs = 120_000;

/** A mirror or a monitor goes on in the background, once it has said that all is safe. */
const before = `set -euo pipefail
left=()
trap 'for each in \${left[@]+"\${left[@]}"}; do kill -9 "$each" 2>/dev/null || true; done' EXIT
scb-mirror() {
  case " $* " in
    *" --once "*) command scb-mirror "$@" ;;
    " run "* | " watch "*)
      local log=.left-\${#left[@]}
      command scb-mirror "$@" >"$log" 2>&1 &
      left+=($!)
      until grep -qw safe "$log"; do
        kill -0 $! || { cat "$log" >&2; return 1; }
        sleep 0.1
      done ;;
    *) command scb-mirror "$@" ;;
  esac
}
`;
/** And ends well when it is told to. */
const after = `
for each in \${left[@]+"\${left[@]}"}; do kill "$each"; wait "$each"; done
left=()
`;

/**
 * Somebody who does what a page says, word for word: with an lnd that has a channel, a MinIO that holds the
 * buckets which the pages name, and a home of their own. What a page leaves to its reader (names, secrets,
 * addresses) is put in.
 */
export class Reader implements AsyncDisposable {
  readonly #home: string;
  readonly #network: LndNetwork;
  readonly #minio: MinioServer;
  readonly #receiver: Server;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #names: readonly (readonly [string | RegExp, string])[];

  private constructor(
    home: string,
    network: LndNetwork,
    minio: MinioServer,
    receiver: Server,
    port: number,
  ) {
    this.#home = home;
    this.#network = network;
    this.#minio = minio;
    this.#receiver = receiver;
    const alice = network.node("alice");
    this.#environment = {
      ...minio.env(),
      AWS_SHARED_CREDENTIALS_FILE: join(home, "aws-credentials"),
      PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
      HOME: home,
      SCB_MIRROR_RPCSERVER: alice.rpcserver,
      SCB_MIRROR_TLSCERTPATH: alice.tlsCertPath,
      SCB_MIRROR_MACAROONPATH: join(home, "scb-mirror.macaroon"),
      SCB_MIRROR_NETWORK: "simnet",
    };
    const secrets = `AWS_ACCESS_KEY_ID=${minio.accessKeyId} AWS_SECRET_ACCESS_KEY=${minio.secretAccessKey}`;
    this.#names = [
      ["AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…", secrets],
      [/https:\/\/(?:minio|s3)\.example(?::9000)?/g, minio.endpoint],
      ["file:///mnt/", `file://${home}/mnt/`],
      [/ntfys:\/\/ntfy\.sh\//g, `ntfy://127.0.0.1:${port}/`],
      [/https:\/\/hc-ping\.com\//g, `http://127.0.0.1:${port}/`],
      // The history has one version, of this moment.
      [/ 4[01]\b/g, " 1"],
      ["--at 12h", "--at 1s"],
      [/--node (?:NAME|NODE)\b/g, `--node ${alice.pubkey}`],
    ];
  }

  static async start(): Promise<Reader> {
    const home = await mkdtemp(join(tmpdir(), "scb-reader-"));
    const [network, minio] = await Promise.all([
      startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob"] }),
      startMinio(),
    ]);
    // ntfy and a heartbeat's service: whoever asks is told that all is well.
    const receiver = createServer((_, response) => response.end("OK"));
    await once(receiver.listen(0, "127.0.0.1"), "listening");
    const address = receiver.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const reader = new Reader(home, network, minio, receiver, port);
    try {
      await reader.#settle();
      return reader;
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Types in the blocks of a page, in order, in a folder of the page. What was left running then ends well. */
  async follows(blocks: readonly CommandBlock[]): Promise<void> {
    const folder = await mkdtemp(join(this.#home, "page-"));
    await writeFile(join(folder, "words.txt"), this.#network.node("alice").words.join(" "));
    const typed = blocks.map(({ file, line, commands }) => {
      const own = this.#names.reduce(
        (text, [name, value]) => text.replaceAll(name, value),
        commands,
      );
      return `echo '# ${file}:${line}' >&2\n${own}\n`;
    });
    const script = join(folder, ".typed");
    await writeFile(script, `${before}${typed.join("")}${after}`);
    await runCommand("bash", ["--norc", script], {
      cwd: folder,
      env: this.#environment,
      timeoutMs: pageMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver.close();
    this.#receiver.closeAllConnections();
    await this.#network[Symbol.asyncDispose]();
    await this.#minio[Symbol.asyncDispose]();
    await rm(this.#home, { recursive: true, force: true });
  }

  /** A node with a channel and a first backup, and what pages take for granted: commands, files, buckets. */
  async #settle(): Promise<void> {
    const [alice, bob] = [this.#network.node("alice"), this.#network.node("bob")];
    await this.#network.connect(alice, bob);
    await this.#network.openChannel(alice, bob, { sat: 1_000_000 });
    for (const bucket of ["my-bucket", "other"]) {
      await this.#minio.createBucket(bucket, { versioning: true });
    }
    const bin = join(this.#home, "bin");
    await mkdir(bin);
    // What is left running ends with the shell, however that ends.
    const bound = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];
    const commands = {
      "scb-mirror": [...bound, process.execPath, cliPath],
      lncli: alice.lncliCommand,
      alert: ["echo"],
    };
    for (const [name, words] of Object.entries(commands)) {
      await writeFile(join(bin, name), `#!/bin/sh\nexec '${words.join("' '")}' "$@"\n`);
      await chmod(join(bin, name), 0o755);
    }
    await mkdir(join(this.#home, "mnt/usb/scb"), { recursive: true });
    const { accessKeyId, secretAccessKey } = this.#minio;
    await writeFile(
      join(this.#home, "aws-credentials"),
      `[offsite]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    await cp(alice.adminMacaroonPath, join(this.#home, "scb-mirror.macaroon"));
    const mirrored = ["run", "--once", "--from", "lnd", "--to", "s3://my-bucket/lightning"];
    await runCommand(join(bin, "scb-mirror"), mirrored, {
      env: this.#environment,
      timeoutMs: pageMs,
    });
  }
}
