import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** `README.md` there says where each file is from. */
export const vectorsFolder = join(import.meta.dirname, "..", "vectors");

const channel = z.looseObject({ fundingOutpoint: z.string() });

function load<T>(schema: z.ZodType<T>, ...path: readonly string[]): T {
  return schema.parse(JSON.parse(readFileSync(join(vectorsFolder, ...path), "utf8")));
}

export const singleVectors = load(
  z.array(z.object({ plaintext: z.string(), single: channel })),
  "singles.json",
);

export const multiVectors = load(
  z.array(z.object({ backupKey: z.string(), packed: z.string(), channels: z.array(channel) })),
  "multis.json",
);

export const keyVectors = load(
  z.array(
    z.object({
      beginsWithZero: z.string(),
      entropy: z.string(),
      words: z.string(),
      passphrase: z.string(),
      coinType: z.number(),
      backupKey: z.string(),
      pubKeys: z.array(z.string()),
    }),
  ),
  "keys.json",
);

export const nodeVectorSchema = z.object({
  lnd: z.string(),
  network: z.enum(["simnet", "mainnet"]),
  words: z.string(),
  passphrase: z.string(),
  pubKey: z.string(),
  backupKey: z.string(),
  files: z.record(z.string(), z.array(channel)),
});

/** What a real node wrote: `files` says which channels are in each of the folder's files. */
export interface NodeVector extends z.infer<typeof nodeVectorSchema> {
  readonly read: (file: string) => Uint8Array;
}

export const nodeVectors: readonly NodeVector[] = readdirSync(join(vectorsFolder, "nodes"))
  .sort()
  .map((folder) => ({
    ...load(nodeVectorSchema, "nodes", folder, "node.json"),
    read: (file) => new Uint8Array(readFileSync(join(vectorsFolder, "nodes", folder, file))),
  }));
