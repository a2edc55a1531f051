import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { z } from "zod";
import { startMoto } from "../peers/moto.ts";
import { waitFor } from "../peers/wait-for.ts";
import { bearerOf } from "../support/bearer.ts";
import type { ContainerGround, RunningContainer } from "./container-ground.ts";
import { root } from "./deployment.ts";
import { taskDefinitionSchema, taskForDocker, withHealthCheck } from "./ecs-task.ts";
import { matchingFilters } from "./log-filters.ts";
import { Operator, shellCommand } from "./operator.ts";
import { deployCommands } from "./page-commands.ts";

const bucket = "my-task-bucket";
// moto prints the inline policy of a template as Python would.
const documentSchema = z.union([
  z.record(z.string(), z.json()),
  z.string().transform((text): unknown => JSON.parse(text.replaceAll("'", '"'))),
]);

/**
 * The tests of the task that the CloudFormation template makes. The page's commands are typed, and moto
 * takes them; the task definition that its ECS then holds, Docker runs as ECS would, with what its IAM then
 * allows.
 */
export function taskSuite(ground: () => ContainerGround): void {
  const made = new AsyncDisposableStack();
  let operator: Operator;
  let aws: NodeJS.ProcessEnv;
  let pubkey: string;
  let task: RunningContainer;
  let restorer: NodeJS.ProcessEnv;

  const ask = async (...words: readonly string[]): Promise<string> =>
    (await operator.type(`aws ${words.join(" ")}`, aws)).trim();
  const askJson = async (...words: readonly string[]): Promise<unknown> =>
    JSON.parse(await ask(...words, "--output", "json"));

  before(async () => {
    const { image, lnd, minio, minioEndpoint, rpcserver } = ground();
    const moto = made.use(await startMoto());
    const { AWS_ENDPOINT_URL_S3: endpoint, ...credentials } = moto.env();
    const region = { AWS_DEFAULT_REGION: credentials["AWS_REGION"] };
    aws = { ...credentials, ...region, AWS_ENDPOINT_URL: endpoint, AWS_PAGER: "" };
    operator = made.use(await Operator.at({ lncli: shellCommand(lnd.lncliCommand) }));
    pubkey = lnd.pubkey;
    await minio.createBucket(bucket, { versioning: true });

    await operator.type(deployCommands("The macaroon"));
    const own = { "~/.lnd/tls.cert": lnd.tlsCertPath, "10.0.1.5:10009": rpcserver };
    const secret = await operator.type(deployCommands("AWS", 0, own), aws);
    assert.equal(existsSync(join(operator.folder, "lndconnect.txt")), false);
    const { ARN } = z.object({ ARN: z.string() }).parse(JSON.parse(secret));
    const vpc = await ask("ec2 describe-vpcs --query Vpcs[0].VpcId --output text");
    const subnets = z
      .tuple([z.string(), z.string()])
      .parse(await askJson("ec2 describe-subnets --query Subnets[:2].SubnetId"));
    const topic = await ask("sns create-topic --name wake --query TopicArn --output text");
    const values = {
      "infra/aws": `${root}infra/aws`,
      "arn:aws:secretsmanager:…": ARN,
      "BucketName=my-bucket": `BucketName=${bucket}`,
      "….dkr.ecr.….amazonaws.com/scb-mirror@sha256:…": image.name,
      "vpc-…": vpc,
      "subnet-…,subnet-…": subnets.join(","),
      "arn:aws:sns:…": topic,
    };
    await operator.type(deployCommands("AWS", 1, values), aws);

    const definition = taskDefinitionSchema.parse(
      await askJson("ecs describe-task-definition --task-definition scb-mirror-mirror"),
    );
    const [container] = definition.taskDefinition.containerDefinitions;
    const checked = `${image.name}-checked`;
    const context = join(operator.folder, "checked");
    await mkdir(context);
    await writeFile(join(context, "Dockerfile"), withHealthCheck(container));
    await image.docker("build", "--tag", checked, context);
    made.defer(async () => {
      await image.docker("rmi", checked);
    });
    container.image = checked;
    const flags = await taskForDocker(definition, async (arn) => {
      const found = await askJson("secretsmanager get-secret-value --secret-id", arn);
      return z.object({ SecretString: z.string() }).parse(found).SecretString;
    });

    const role = await ask(
      "iam list-roles --query \"Roles[?contains(RoleName,'TaskRole')]|[0].RoleName\" --output text",
    );
    const allowed = z
      .object({ PolicyDocument: documentSchema })
      .parse(await askJson("iam get-role-policy --policy-name mirror --role-name", role));
    const policy = await ask(
      "iam list-policies --scope Local --query Policies[0].Arn --output text",
    );
    const reading = z
      .object({ PolicyVersion: z.object({ Document: documentSchema }) })
      .parse(await askJson("iam get-policy-version --version-id v1 --policy-arn", policy));
    const mirror = await bearerOf(minio, JSON.stringify(allowed.PolicyDocument));
    made.defer(() => mirror.client.destroy());
    const reader = await bearerOf(minio, JSON.stringify(reading.PolicyVersion.Document));
    made.defer(() => reader.client.destroy());
    restorer = reader.env;
    // What the task's role and the region's own endpoint are on AWS.
    const given: NodeJS.ProcessEnv = {
      ...mirror.env,
      AWS_ENDPOINT_URL_S3: minioEndpoint,
      SCB_MIRROR_NETWORK: "simnet",
    };
    const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] as const;
    const env = [...names, "AWS_ENDPOINT_URL_S3", "SCB_MIRROR_NETWORK"] as const;
    task = made.use(
      await ground().run([...env.flatMap((name) => ["--env", `${name}=${given[name]}`]), ...flags]),
    );
  });

  after(() => made.disposeAsync());

  it("saves a first backup of a real lnd in a real MinIO, with what its role allows", async () => {
    await task.firstBackup();
  });

  it("is healthy by its own health check", async () => {
    const format = "{{.State.Health.Status}}";
    const { image } = ground();
    await waitFor(
      "the health check",
      async () => {
        const status = await image.docker("inspect", "--format", format, task.id);
        return status.trim() === "healthy" ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
  });

  it("logs what the alarms count", async () => {
    const lines = (await task.allOutput()).split("\n");
    assert.deepEqual(matchingFilters(lines), ["SavedLines"]);
  });

  it("can be watched and restored with the stack's read-only policy", async () => {
    const node = { "my-bucket": bucket, NAME: pubkey };
    const status = deployCommands("Watch it from elsewhere", 0, node);
    assert.match(await operator.type(status, restorer), /healthy/);
    await operator.type(deployCommands("Try the way back", 0, node), restorer);
    assert.ok(existsSync(join(operator.folder, "channel.backup")));
  });

  it("ends as it should when it is told to", async () => {
    assert.equal(await task.stop(), 0);
  });

  it("leaves the bucket when the stack goes", async () => {
    await ask("cloudformation delete-stack --stack-name scb-mirror");
    await ask("cloudformation wait stack-delete-complete --stack-name scb-mirror");
    assert.match(await ask("s3api list-buckets"), new RegExp(bucket));
  });
}
