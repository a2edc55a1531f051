import { randomUUID } from "node:crypto";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import { conditionChecks } from "../../src/testing/object-store-conditions.ts";
import { raceChecks } from "../../src/testing/object-store-races.ts";
import { runStoreCheck } from "../../src/testing/object-store-suite.ts";
import { type DockerEngine, startDocker } from "../peers/docker.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { provisionMinio } from "../peers/provision.ts";

const port = 9000;
const bucket = "in-docker";
const requestTimeoutMs = 10_000;
const settings = {
  AWS_ACCESS_KEY_ID: "scb-docker",
  AWS_SECRET_ACCESS_KEY: "scb-docker-secret",
  AWS_REGION: "us-east-1",
  // The reaper's image would have to come from a registry; `after` removes what this test made.
  TESTCONTAINERS_RYUK_DISABLED: "true",
};

// MinIO as operators run it, in a container behind a published port. The image is built here, round
// the static binary, so that no registry is needed.
peerSuite("S3Store on MinIO in Docker", ["minio", "docker"], () => {
  const imageName = `scb-mirror-minio:${randomUUID()}`;
  let context: string;
  let engine: DockerEngine | undefined;
  let container: StartedTestContainer | undefined;

  before(async () => {
    engine = await startDocker();
    Object.assign(process.env, settings, { DOCKER_HOST: engine.host });
    context = await mkdtemp(join(tmpdir(), "scb-image-"));
    await copyFile(await provisionMinio(), join(context, "minio"));
    await writeFile(
      join(context, "Dockerfile"),
      'FROM scratch\nCOPY minio /minio\nWORKDIR /data\nENTRYPOINT ["/minio"]\n',
    );
    const image = await GenericContainer.fromDockerfile(context).build(imageName);
    container = await image
      .withCommand(["server", "/data", "--address", `:${port}`])
      .withEnvironment({
        MINIO_ROOT_USER: settings.AWS_ACCESS_KEY_ID,
        MINIO_ROOT_PASSWORD: settings.AWS_SECRET_ACCESS_KEY,
        MINIO_BROWSER: "off",
      })
      .withExposedPorts(port)
      .withWaitStrategy(Wait.forHttp("/minio/health/cluster", port))
      .withStartupTimeout(60_000)
      .start();
    const client = await openClient();
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
  });

  after(async () => {
    await container?.stop();
    await engine?.removeImage(imageName);
    await engine?.[Symbol.asyncDispose]();
    await rm(context, { recursive: true, force: true });
  });

  const openClient = async () => {
    const endpoint = `http://${container?.getHost()}:${container?.getMappedPort(port)}`;
    return createS3Client({ endpoint, requestTimeoutMs, connectTimeoutMs: 5_000 });
  };

  for (const check of [...conditionChecks, ...raceChecks]) {
    it(check.name, async () => {
      const prefix = randomUUID();
      await runStoreCheck(check, async () => ({
        open: async () =>
          new S3Store({ client: await openClient(), bucket, prefix, requestTimeoutMs }),
        [Symbol.asyncDispose]: async () => undefined,
      }));
    });
  }
});
