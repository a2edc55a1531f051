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
import { runCli } from "../support/cli.ts";
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

const clouds = [
  { name: "Google Cloud Storage", peer: "fake-gcs", start: googleCloud },
  { name: "Azure Blob Storage", peer: "azurite", start: azureCloud },
] as const;

const swapped = z.looseObject({ event: z.string(), sha256: z.string().optional() });
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

    it("saves, verifies and restores", async () => {
      const { env } = cloud;
      const place = ["--to", cloud.place("lightning"), "--node", "demo"];
      const run = await runCli(["run", "--from", "demo", ...place, "--once", "--json"], { env });
      assert.equal(run.code, 0, run.stderr);
      const events = run.stdout
        .trim()
        .split("\n")
        .map((line) => swapped.parse(JSON.parse(line)));
      const sha256 = events.find(({ event }) => event === "swapped")?.sha256;
      assert.ok(sha256 !== undefined, run.stdout);

      const verify = await runCli(["verify", ...place, "--json"], { env });
      assert.equal(verify.code, 0, verify.stdout + verify.stderr);
      assert.equal(verified.parse(verify.json()).checked, 1);

      const file = join(folder, "channel.backup");
      const restore = await runCli(["restore", ...place, "-o", file, "--json"], { env });
      assert.equal(restore.code, 0, restore.stderr);
      assert.equal(restored.parse(restore.json()).sha256, sha256);
      const bytes = await readFile(file);
      assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
    });

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
