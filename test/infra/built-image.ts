import { randomUUID } from "node:crypto";
import { type DockerEngine, startDocker } from "../peers/docker.ts";
import { runCommand } from "../peers/run-command.ts";
import { paths, root } from "./deployment.ts";
import { buildNodeImage } from "./node-image.ts";

const timeoutMs = 10 * 60_000;

/** What the release workflow gives the build. */
export const imageLabels = {
  VERSION: "1.2.3",
  REVISION: "abc",
  SOURCE: "https://example.org/x",
} as const;

/** The image of infra/Dockerfile, on a base that is made here, in an engine that answers. */
export class BuiltImage implements AsyncDisposable {
  readonly name: string;
  readonly base: string;
  readonly #engine: DockerEngine;
  readonly #made: AsyncDisposableStack;

  private constructor(
    engine: DockerEngine,
    made: AsyncDisposableStack,
    names: { readonly name: string; readonly base: string },
  ) {
    this.#engine = engine;
    this.#made = made;
    this.name = names.name;
    this.base = names.base;
  }

  static async make(): Promise<BuiltImage> {
    const id = randomUUID();
    const base = `scb-mirror-test-node:${id}`;
    const name = `scb-mirror-test:${id}`;
    await using making = new AsyncDisposableStack();
    const engine = making.use(await startDocker());
    await buildNodeImage(base, engine.host);
    making.defer(() => engine.removeImage(base));
    const image = new BuiltImage(engine, making, { name, base });
    const values = Object.entries({ BASE_IMAGE: base, ...imageLabels });
    const flags = values.flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    // The first stage by a name too, so that it can be removed.
    for (const [target, tag] of [
      ["build", `${name}-build`],
      ["final", name],
    ] as const) {
      const build = ["build", ...flags, "--force-rm", "--target", target];
      await image.docker(...build, "--file", paths.dockerfile, "--tag", tag, root);
      making.defer(() => engine.removeImage(tag));
    }
    return new BuiltImage(engine, making.move(), { name, base });
  }

  /** For whoever talks to the engine in another way. */
  get host(): string {
    return this.#engine.host;
  }

  /** Runs `docker`, and returns what it printed. */
  docker(...args: readonly string[]): Promise<string> {
    return runCommand("docker", ["--host", this.host, ...args], { timeoutMs });
  }

  /** As `docker`, with what it wrote to stderr, too. */
  dockerOutput(...args: readonly string[]): Promise<string> {
    const script = 'exec docker "$@" 2>&1';
    return runCommand("sh", ["-c", script, "sh", "--host", this.host, ...args], { timeoutMs });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#made.disposeAsync();
  }
}
