import { randomUUID } from "node:crypto";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { Relay } from "../peers/relay.ts";
import { waitFor } from "../peers/wait-for.ts";
import type { BuiltImage } from "./built-image.ts";

/** A container under way. */
export interface RunningContainer extends AsyncDisposable {
  readonly id: string;
  /** Where this machine reaches it. */
  readonly address: string;
  /** What it printed so far, its log included. */
  allOutput(): Promise<string>;
  /** Resolves when the mirror in it has saved a first backup. */
  firstBackup(): Promise<void>;
  exec(...command: readonly string[]): Promise<string>;
  /** As an orchestrator stops it; returns the exit code. */
  stop(): Promise<number>;
}

/**
 * A real MinIO and a real lnd with a channel-less wallet, and a network of Docker's in which containers
 * reach both, each container with an address of its own.
 */
export class ContainerGround implements AsyncDisposable {
  readonly image: BuiltImage;
  readonly minio: MinioServer;
  /** As containers reach it. */
  readonly minioEndpoint: string;
  readonly lnd: LndNode;
  /** As containers reach it, HOST:PORT; lnd's certificate is good for it. */
  readonly rpcserver: string;
  readonly #network: string;
  readonly #made: AsyncDisposableStack;

  private constructor(
    parts: Readonly<{
      image: BuiltImage;
      minio: MinioServer;
      minioEndpoint: string;
      lnd: LndNode;
      rpcserver: string;
      network: string;
    }>,
    made: AsyncDisposableStack,
  ) {
    this.image = parts.image;
    this.minio = parts.minio;
    this.minioEndpoint = parts.minioEndpoint;
    this.lnd = parts.lnd;
    this.rpcserver = parts.rpcserver;
    this.#network = parts.network;
    this.#made = made;
  }

  static async open(image: BuiltImage): Promise<ContainerGround> {
    await using making = new AsyncDisposableStack();
    const network = `scb-mirror-test-${randomUUID()}`;
    await image.docker("network", "create", network);
    making.defer(async () => {
      await image.docker("network", "rm", network);
    });
    const format = "{{(index .IPAM.Config 0).Gateway}}";
    const gateway = (await image.docker("network", "inspect", "--format", format, network)).trim();
    const minio = making.use(await startMinio());
    const alice = { name: "alice", args: [`--tlsextraip=${gateway}`] };
    const lightning: LndNetwork = making.use(await startLndNetwork({ nodes: [alice] }));
    const lnd = lightning.node("alice");
    const toMinio = making.use(await Relay.start(gateway, new URL(minio.endpoint).host));
    const toLnd = making.use(await Relay.start(gateway, lnd.rpcserver));
    const parts = {
      ...{ image, minio, lnd, network },
      minioEndpoint: `http://${gateway}:${toMinio.port}`,
      rpcserver: `${gateway}:${toLnd.port}`,
    };
    return new ContainerGround(parts, making.move());
  }

  /** Starts a container: `flags` are what `docker run` takes, image and arguments included. */
  async run(flags: readonly string[]): Promise<RunningContainer> {
    return this.adopt(
      (await this.image.docker("run", "--detach", "--network", this.#network, ...flags)).trim(),
    );
  }

  /** A container that somebody else started; it is removed all the same. */
  async adopt(id: string): Promise<RunningContainer> {
    const { image } = this;
    const format = `{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}`;
    const inspected = (what: string): Promise<string> =>
      image.docker("inspect", "--format", what, id);
    const allOutput = (): Promise<string> => image.dockerOutput("logs", id);
    return {
      id,
      address: (await inspected(format)).trim(),
      allOutput,
      async firstBackup() {
        await waitFor(
          "a first backup",
          async () => {
            const output = await allOutput();
            if (/saved sequence 1/.test(output)) return true;
            throw new Error(`${await inspected("{{.State.Status}} {{.State.ExitCode}}")}${output}`);
          },
          { timeoutMs: 60_000 },
        );
      },
      exec: (...command) => image.docker("exec", id, ...command),
      async stop() {
        await image.docker("stop", "--time", "30", id);
        return Number(await inspected("{{.State.ExitCode}}"));
      },
      async [Symbol.asyncDispose]() {
        await image.docker("rm", "--force", id);
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#made.disposeAsync();
  }
}
