import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import type { MinioServer } from "../peers/minio.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "./acknowledged.ts";
import { assertNothingLost, type Bucket, type CurrentBackup } from "./bucket.ts";
import { type CliEvent, type RunningCli, runCli, startRun } from "./cli.ts";

const statusSchema = z.object({
  healthy: z.boolean(),
  problems: z.array(z.unknown()),
  latest: z.object({ key: z.string(), sha256: z.string(), channels: z.number().nullable() }),
  covered: z.boolean().nullable(),
});
const restoreSchema = z.object({ sha256: z.string(), key: z.string(), next: z.string() });

/** The macaroon that scb-mirror's own message tells an operator to bake, and no more. */
export function bakeLeastPrivilege(node: LndNode): Promise<string> {
  return node.bakeMacaroon(lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`));
}

export interface LndMirrorOptions {
  readonly lnd: LndNode;
  readonly macaroonPath: string;
  readonly minio: MinioServer;
  readonly bucket: Bucket;
  /** The node's folder. Default: its public key, which the program asks the node for. */
  readonly name?: string;
  /** Replaces `--from lnd` and its options. */
  readonly from?: readonly string[];
  /** lnd's own file, which the mirror is to watch too. */
  readonly backupFile?: string;
}

/** A real lnd, mirrored into one folder of a real bucket by the built command line. */
export class LndMirror implements AsyncDisposable {
  readonly folder: string;
  readonly #options: LndMirrorOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #to: readonly string[];
  readonly #fromLnd: readonly string[];
  readonly #started: RunningCli[] = [];

  constructor(options: LndMirrorOptions) {
    const { lnd, macaroonPath, minio, bucket, name } = options;
    this.#options = options;
    this.folder = `nodes/${name ?? lnd.pubkey}`;
    this.#env = minio.env();
    this.#to = [
      ...["--to", `s3://${bucket.name}/nodes`],
      ...(name === undefined ? [] : ["--node", name]),
    ];
    this.#fromLnd = [
      ...["--from", "lnd", "--rpcserver", lnd.rpcserver, "--network", "simnet"],
      ...["--tlscertpath", lnd.tlsCertPath, "--macaroonpath", macaroonPath],
    ];
  }

  /** One more mirror on the folder; returns when it has started. */
  async start(): Promise<RunningCli> {
    const running = this.launch();
    await running.event("started");
    return running;
  }

  launch(): RunningCli {
    const { from = this.#fromLnd, backupFile } = this.#options;
    const watched = backupFile === undefined ? [] : ["--backup-file", backupFile];
    // A drill would notice what a test has just done to the node, and `status` would report it.
    const noDrill = ["--drill-interval", "off"];
    const running = startRun([...from, ...watched, ...this.#to, ...noDrill], { env: this.#env });
    this.#started.push(running);
    return running;
  }

  /** All events of all mirrors on this folder. */
  get events(): readonly CliEvent[] {
    return this.#started.flatMap((running) => running.events);
  }

  /**
   * Waits until lnd finds exactly `expected` in the version that the pointer names; then checks that
   * `status` calls it healthy, that `restore` gives these bytes, and that lnd accepts that file.
   * Default: exactly the channels that lnd has, and that it exports.
   */
  async expectSaved(expected: () => Promise<readonly string[]> = this.#exported): Promise<void> {
    const { lnd, bucket } = this.#options;
    for (;;) {
      const saved = await waitFor(
        `${this.folder} to hold what ${lnd.name} has`,
        async () => {
          const current = await bucket.current(this.folder);
          const listed = await lnd.verifyChanBackup(current.bytes);
          return isDeepStrictEqual(listed, await expected()) ? current : undefined;
        },
        { timeoutMs: 45_000, everyMs: 200, details: () => this.#told() },
      );
      const listed = await lnd.verifyChanBackup(saved.bytes);
      const checked = await this.#askProgram(saved);
      // A second snapshot of the same state may have moved the pointer meanwhile: look again.
      if ((await bucket.current(this.folder)).pointerEtag !== saved.pointerEtag) continue;
      checked(listed);
      return;
    }
  }

  /** What `status` says, with and without asking the node. */
  async status(flags: readonly string[] = []): Promise<z.infer<typeof statusSchema>> {
    const args = ["status", "--json", ...flags, ...this.#to, ...this.#nameless()];
    const result = await runCli(args, { env: this.#env });
    assert.equal(result.code, statusSchema.parse(result.json()).healthy ? 0 : 3, result.stderr);
    return statusSchema.parse(result.json());
  }

  /** Runs a command on the folder, and returns the JSON that it printed. */
  async ask(command: string, ...flags: readonly string[]): Promise<unknown> {
    const args = [command, ...flags, ...this.#to, ...this.#nameless()];
    const result = await runCli(args, { env: this.#env });
    assert.equal(result.code, 0, result.stderr);
    return result.json();
  }

  statusAgainstNode(): Promise<z.infer<typeof statusSchema>> {
    return this.status(this.#fromLnd);
  }

  /** Every swap that any mirror here acknowledged is in the lineage, intact. */
  async expectNothingLost(): Promise<void> {
    const saved = acknowledged(this.events);
    assert.ok(saved.length > 0);
    assertNothingLost(saved, await this.#options.bucket.lineage(this.folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#started) await running[Symbol.asyncDispose]();
  }

  /** Runs the commands; returns a check of their output against the state that they should have seen. */
  async #askProgram({
    pointer,
    bytes,
  }: CurrentBackup): Promise<(listed: readonly string[]) => void> {
    const { lnd } = this.#options;
    const { key, sha256 } = pointer.version;
    const out = await mkdtemp(join(tmpdir(), "scb-restore-"));
    try {
      const file = join(out, "restored.backup");
      const [alone, against, restored] = await Promise.all([
        this.status(),
        this.statusAgainstNode(),
        runCli(
          [
            "restore",
            "-o",
            file,
            "--json",
            "--network",
            "simnet",
            ...this.#to,
            ...this.#nameless(),
          ],
          { env: this.#env },
        ),
      ]);
      assert.equal(restored.code, 0, restored.stderr);
      const restoredBytes = await readFile(file);
      const restoredListed = await lnd.verifyChanBackup(restoredBytes);
      return (listed) => {
        for (const status of [alone, against]) {
          assert.deepEqual(status.problems, []);
          assert.equal(status.healthy, true);
          assert.deepEqual(
            { key: status.latest.key, sha256: status.latest.sha256 },
            { key, sha256 },
          );
        }
        assert.equal(alone.covered, null);
        assert.equal(against.covered, true);
        const told = restoreSchema.parse(restored.json());
        assert.deepEqual({ key: told.key, sha256: told.sha256 }, { key, sha256 });
        assert.match(told.next, /^lncli --network=simnet restorechanbackup --multi_file=/);
        assert.ok(restoredBytes.equals(bytes), "restore gives the bytes of the pointer's object");
        assert.deepEqual(restoredListed, listed);
      };
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  }

  /** `status` and `restore` without `--from` need to know whose folder it is. */
  #nameless(): readonly string[] {
    const { name, lnd } = this.#options;
    return name === undefined ? ["--node", lnd.pubkey] : [];
  }

  readonly #exported = async (): Promise<readonly string[]> => {
    const { lnd } = this.#options;
    const exported = await lnd.verifyChanBackup(await lnd.exportChanBackup());
    const channels = await lnd.channelPoints();
    if (isDeepStrictEqual(exported, channels)) return channels;
    throw new Error(`${lnd.name} exports ${exported.join()} and has ${channels.join()}`);
  };

  #told(): string {
    const { lnd } = this.#options;
    const last = this.events.slice(-8).map((event) => JSON.stringify(event));
    return [...last, ...this.#started.map((one) => one.stderr.slice(-1500)), lnd.logTail()].join(
      "\n",
    );
  }
}
