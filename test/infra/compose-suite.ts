import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { freePort } from "../peers/free-port.ts";
import { provisionMinio, provisionMinioClient } from "../peers/provision.ts";
import { waitFor } from "../peers/wait-for.ts";
import type { BuiltImage } from "./built-image.ts";
import { paths, root } from "./deployment.ts";
import { Operator } from "./operator.ts";
import { deployCommands, withValues } from "./page-commands.ts";

/** As MinIO's own image, as far as the compose file uses it. */
const minioDockerfile = `FROM scratch
COPY minio mc /usr/bin/
WORKDIR /data
ENV PATH=/usr/bin HOME=/tmp USER=root MC_CONFIG_DIR=/tmp/.mc
ENTRYPOINT ["minio"]
`;

/**
 * The tests of the playground as docs/deploy.md starts it. The compose file is the shipped one but for what
 * a registry serves, and the ports, which are free ones of this machine.
 */
export function composeSuite(image: () => BuiltImage): void {
  const made = new AsyncDisposableStack();
  const minioImage = `scb-mirror-test-minio:${randomUUID()}`;
  const localImage = `scb-mirror-test-compose:${randomUUID()}`;
  let operator: Operator;
  let page: number;
  let commands: readonly string[];

  const type = (line: string): Promise<string> =>
    operator.type(line, { DOCKER_HOST: image().host, IMAGE: localImage });

  before(async () => {
    operator = made.use(
      await Operator.at({
        // Compose 1.29 is a program of its own, and asks for a terminal where there is none.
        docker: `PATH="\${PATH#*:}"
          [ "$1" = compose ] || exec docker "$@"
          shift
          [ "$1" = exec ] && { shift; set -- exec -T "$@"; }
          exec docker-compose "$@"`,
      }),
    );
    const context = join(operator.folder, "minio");
    await mkdir(context);
    await copyFile(await provisionMinio(), join(context, "minio"));
    await copyFile(await provisionMinioClient(), join(context, "mc"));
    await writeFile(join(context, "Dockerfile"), minioDockerfile);
    await image().docker("build", "--tag", minioImage, context);
    made.defer(async () => {
      await image().docker("rmi", minioImage);
    });
    const text = await readFile(paths.compose, "utf8");
    const [, pinned = ""] = /minio-image (\S+)/.exec(text) ?? [];
    page = await freePort();
    const shipped = withValues(text, {
      [pinned]: minioImage,
      "context: .": `context: ${root}\n    args: { BASE_IMAGE: "${image().base}" }`,
      "127.0.0.1:9847:9847": `127.0.0.1:${page}:9847`,
      "127.0.0.1:9000:9000": `127.0.0.1:${await freePort()}:9000`,
      "127.0.0.1:9001:9001": `127.0.0.1:${await freePort()}:9001`,
    });
    await writeFile(join(operator.folder, "docker-compose.yml"), shipped);
    commands = deployCommands("The playground").trim().split("\n");
    made.defer(async () => {
      await type("docker compose down --volumes");
      await image().docker("rmi", "--force", localImage);
    });
    const [up = ""] = commands;
    await type(up);
  });

  after(() => made.disposeAsync());

  it("is safe, as its health check says", async () => {
    const format = "{{.State.Health.Status}}";
    await waitFor(
      "the health check",
      async () => {
        const id = (await type("docker compose ps -q demo")).trim();
        const status = await image().docker("inspect", "--format", format, id);
        return status.trim() === "healthy" ? true : undefined;
      },
      { timeoutMs: 90_000, everyMs: 1000 },
    );
  });

  it("shows its page on this machine", async () => {
    const answer = await fetch(`http://127.0.0.1:${page}/`);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<html/);
  });

  it("answers each command of the page", async () => {
    const [, status = "", list = "", restore = ""] = commands;
    assert.match(await type(status), /healthy/);
    assert.match(await type(list), /versions\//);
    assert.match(await type(restore), /^[0-9a-f]{64} /);
  });
}
