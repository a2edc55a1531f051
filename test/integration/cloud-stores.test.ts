import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { z } from "zod";
import { openOffsiteSwapper } from "../../src/mirror/offsite-swapper.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { swapperSuite } from "../../src/testing/swapper-suite.ts";
import { startAzurite } from "../peers/azurite.ts";
import { startFakeGcs } from "../peers/fake-gcs.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import type { S3Server } from "../peers/s3-server.ts";
import { startSeaweedFs } from "../peers/seaweedfs.ts";
import { startVersityGateway } from "../peers/versity-gateway.ts";
import { type CliEvent, runCli, startRun } from "../support/cli.ts";
import { setEnv } from "../support/env.ts";

/** A service with a bucket in it, and how to name a prefix there. */
interface Cloud extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
  place(prefix: string): string;
}

async function googleCloud(): Promise<Cloud> {
  const gcs = await startFakeGcs();
  await gcs.createBucket("bucket");
  return {
    env: {},
    place: (prefix) => `gs://bucket/${prefix}?endpoint=${gcs.endpoint}`,
    [Symbol.asyncDispose]: () => gcs[Symbol.asyncDispose](),
  };
}

async function azureCloud(): Promise<Cloud> {
  const azurite = await startAzurite();
  await azurite.createContainer("container");
  const { account, endpoint } = azurite;
  return {
    env: azurite.env(),
    place: (prefix) => `abs://${account}@container/${prefix}?endpoint=${endpoint}`,
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  };
}

async function s3Cloud(startServer: () => Promise<S3Server>): Promise<Cloud> {
  const server = await startServer();
  await server.createBucket("bucket", { versioning: true });
  return {
    env: server.env(),
    place: (prefix) => `s3://bucket/${prefix}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const clouds = [
  { name: "Google Cloud Storage", peer: "fake-gcs", start: googleCloud },
  { name: "Azure Blob Storage", peer: "azurite", start: azureCloud },
  { name: "Versity Gateway", peer: "versitygw", start: () => s3Cloud(startVersityGateway) },
  { name: "SeaweedFS", peer: "seaweedfs", start: () => s3Cloud(startSeaweedFs) },
] as const;

const swapped = z.looseObject({ sha256: z.string() });
const status = z.looseObject({ healthy: z.literal(true), latest: z.looseObject({}) });
const restored = z.looseObject({ sha256: z.string(), sequence: z.number() });
const verified = z.looseObject({ ok: z.literal(true), checked: z.number() });

for (const { name, peer, start } of clouds) {
  peerSuite(`a mirror on ${name}`, [peer], () => {
    let cloud: Cloud;
    let folder: string;
    let env: Disposable;
    before(async () => {
      cloud = await start();
      folder = await mkdtemp(join(tmpdir(), "scb-cloud-"));
      env = setEnv(cloud.env);
    });
    after(async () => {
      env[Symbol.dispose]();
      await cloud[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    it("lives, verifies and restores", async () => {
      const { env } = cloud;
      const place = ["--to", cloud.place("lightning"), "--node", "demo"];
      await using mirror = startRun(["--from", "demo", "--demo-interval", "100ms", ...place], {
        env,
      });
      // SeaweedFS needs half a minute for the probe's races.
      const third = ({ event, sequence }: CliEvent) => event === "swapped" && sequence === 3;
      await mirror.event(third, { timeoutMs: 180_000 });
      assert.equal(await mirror.end("SIGTERM"), 0, mirror.stderr);
      const saved = mirror.events.filter(({ event }) => event === "swapped");
      const { sha256 } = swapped.parse(saved.at(-1));

      const health = await runCli(["status", ...place, "--json"], { env });
      assert.equal(health.code, 0, health.stdout + health.stderr);
      assert.equal(status.parse(health.json()).latest["sha256"], sha256);

      const verify = await runCli(["verify", ...place, "--json"], { env });
      assert.equal(verify.code, 0, verify.stdout + verify.stderr);
      assert.equal(verified.parse(verify.json()).checked, saved.length);

      const file = join(folder, "channel.backup");
      const restore = await runCli(["restore", ...place, "-o", file, "--json"], { env });
      assert.equal(restore.code, 0, restore.stderr);
      assert.equal(restored.parse(restore.json()).sha256, sha256);
      const bytes = await readFile(file);
      assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
    });

    // SeaweedFS takes seconds for each race on one key, and the suite consists of races.
    if (peer === "seaweedfs") return;
    // Races between writers, lost answers and refusals among them.
    swapperSuite(`an offsite swapper on ${name}`, async (encrypter) => {
      const to = cloud.place(`swapper/${randomUUID()}`);
      const opened: AsyncDisposable[] = [];
      return {
        async open() {
          const swapper = await openOffsiteSwapper({
            to,
            node: "me",
            encrypter,
            logger: silentLogger,
          });
          opened.push(swapper);
          return swapper;
        },
        async [Symbol.asyncDispose]() {
          for (const swapper of opened) await swapper[Symbol.asyncDispose]();
        },
      };
    });
  });
}
