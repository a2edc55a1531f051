import { join } from "node:path";
import { type SlowLine, startSlowLine } from "../bench/slow-line.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { acknowledged } from "./acknowledged.ts";
import { Bucket } from "./bucket.ts";
import type { ChangingLnd } from "./changing-lnd.ts";
import { type CliEvent, type RunningCli, startRun } from "./cli.ts";
import { ObservedStore } from "./observed-store.ts";
import type { StoreTimeline } from "./stores-judge.ts";
import { mountSmallDisk, type SmallDisk } from "./tmpfs.ts";

export interface StorePlaceOptions {
  /** The size of the store's own disk, if this user may mount one. */
  readonly diskBytes?: number;
  /** Between the mirror and the store, for each request. Default: none. */
  readonly latencyMs?: number;
}

/** A MinIO, what a mirror of lnd reports about it, and what an outside observer sees in it. */
export class StorePlace implements AsyncDisposable {
  readonly minio: MinioServer;
  readonly bucket: Bucket;
  /** Null if it has no disk of its own. */
  readonly disk: SmallDisk | null;
  readonly observed: ObservedStore;
  /** Its name in events. */
  readonly name: string;
  readonly away: { fromMs: number; toMs: number }[] = [];
  /** All mirrors ever started on it. */
  readonly runs: RunningCli[] = [];
  readonly #line: SlowLine;

  private constructor(
    minio: MinioServer,
    bucket: Bucket,
    disk: SmallDisk | null,
    line: SlowLine,
    lnd: ChangingLnd,
  ) {
    this.minio = minio;
    this.bucket = bucket;
    this.disk = disk;
    this.#line = line;
    this.name = `s3://${bucket.name}?endpoint=${line.endpoint}`;
    const folder = lnd.node.pubkey;
    const open = (packed: Uint8Array) => lnd.channelsOf(packed);
    this.observed = new ObservedStore({ bucket, folder, open });
  }

  static async start(
    name: string,
    lnd: ChangingLnd,
    { diskBytes, latencyMs = 0 }: StorePlaceOptions,
  ): Promise<StorePlace> {
    const disk = diskBytes === undefined ? null : await mountSmallDisk(diskBytes);
    const directory = disk === null ? {} : { directory: join(disk.path, "data") };
    const minio = await startMinio(directory);
    await minio.createBucket(name);
    const line = await startSlowLine(minio.endpoint, latencyMs);
    return new StorePlace(minio, new Bucket(minio, name), disk, line, lnd);
  }

  /** A file that fills the disk. */
  get filler(): string {
    return join(this.disk?.path ?? "", "filler");
  }

  /** What mirrors have reported about it. */
  get told(): readonly CliEvent[] {
    return this.runs.flatMap(({ events }) => events.filter(({ store }) => store === this.name));
  }

  get swaps(): ReturnType<typeof acknowledged> {
    return acknowledged(this.told);
  }

  /** All that is known about it, in terms of the node's states. */
  async timeline({ states }: ChangingLnd): Promise<StoreTimeline> {
    const commits: { atMs: number; state: number }[] = [];
    for (const { event, at, key, sha256 } of this.told) {
      if (event !== "swapped") continue;
      const channels = await this.observed.channelsOf(String(key), String(sha256));
      commits.push({ atMs: Date.parse(at), state: states.indexOf(channels) });
    }
    const reads = this.observed.reads
      .map(({ atMs, channels }) => ({ atMs, state: states.indexOf(channels) }))
      .sort((a, b) => a.atMs - b.atMs);
    return { name: this.name, reads, commits, away: this.away };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.bucket[Symbol.dispose]();
    this.#line[Symbol.dispose]();
    await this.minio[Symbol.asyncDispose]();
    await this.disk?.[Symbol.asyncDispose]();
  }
}

/** Starts a mirror of lnd; returns when each of the places holds what lnd has. */
export async function mirrorInto(
  places: readonly StorePlace[],
  { node }: ChangingLnd,
  flags: readonly string[],
): Promise<RunningCli> {
  const { AWS_ENDPOINT_URL_S3: _, ...env } = places[0]?.minio.env() ?? {};
  const run = startRun(
    [
      ...["--from", "lnd", "--rpcserver", node.rpcserver, "--network", "simnet"],
      ...["--tlscertpath", node.tlsCertPath, ...flags],
      ...places.flatMap(({ name }) => ["--to", name]),
    ],
    { env },
  );
  try {
    for (const { name, runs } of places) {
      runs.push(run);
      await run.event(
        ({ event, store }) => store === name && (event === "swapped" || event === "unchanged"),
        { timeoutMs: 60_000 },
      );
    }
    return run;
  } catch (error) {
    await run[Symbol.asyncDispose]();
    throw error;
  }
}
