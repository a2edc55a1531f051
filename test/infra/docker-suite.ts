import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chmod, copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import type { ContainerGround, RunningContainer } from "./container-ground.ts";
import { Operator, shellCommand } from "./operator.ts";
import { deployCommands } from "./page-commands.ts";

const bucket = "my-docker-bucket";

/** The tests of a container that is started as docs/deploy.md says. */
export function dockerSuite(ground: () => ContainerGround): void {
  const made = new AsyncDisposableStack();
  let container: RunningContainer;

  before(async () => {
    const { image, lnd, minio, minioEndpoint, rpcserver } = ground();
    await minio.createBucket(bucket, { versioning: true });
    const operator = made.use(await Operator.at({ lncli: shellCommand(lnd.lncliCommand) }));
    await operator.type(deployCommands("The macaroon"));
    const home = join(operator.folder, "home");
    await mkdir(home);
    await copyFile(lnd.tlsCertPath, join(home, "tls.cert"));
    await copyFile(join(operator.folder, "scb.macaroon"), join(home, "scb.macaroon"));
    for (const path of [operator.folder, home]) await chmod(path, 0o755);
    for (const name of ["tls.cert", "scb.macaroon"]) await chmod(join(home, name), 0o644);
    const name = `scb-mirror-test-${randomUUID()}`;
    const commands = deployCommands("Docker", 0, {
      "--name scb-mirror": `--name ${name}`,
      "~/.lnd/tls.cert": join(home, "tls.cert"),
      "~/scb.macaroon": join(home, "scb.macaroon"),
      "lnd.example:10009": `${rpcserver} -e SCB_MIRROR_NETWORK=simnet`,
      "s3://my-bucket/lightning": `s3://${bucket}/lightning`,
      "AWS_REGION=eu-central-1": `AWS_REGION=us-east-1 -e AWS_ENDPOINT_URL_S3=${minioEndpoint}`,
      "\n  scb-mirror\n": `\n  ${image.name}\n`,
    });
    const env = { ...minio.env(), DOCKER_HOST: image.host };
    container = made.use(await ground().adopt((await operator.type(commands, env)).trim()));
  });

  after(() => made.disposeAsync());

  it("saves a first backup of a real lnd in a real MinIO", async () => {
    await container.firstBackup();
    assert.match(await container.exec("node", "/app/cli.js", "status"), /healthy/);
  });

  it("ends as it should when it is told to", async () => {
    assert.equal(await container.stop(), 0);
  });
}
