import * as z from "zod";
import type { JsonDocument } from "./document.ts";
import { channelPoint, count, hex, publicKey, sha256, storeName } from "./values.ts";

const locator = z.strictObject({
  family: count.describe("the key family"),
  index: count.describe("the index in it"),
});
const sides = [
  "multiSigKey",
  "revocationBasePoint",
  "paymentBasePoint",
  "delayBasePoint",
  "htlcBasePoint",
];

function side(kind: z.ZodType): z.ZodObject {
  return z.strictObject({
    csvDelay: count.describe("blocks"),
    ...Object.fromEntries(sides.map((name) => [name, kind])),
  });
}

const channel = z.strictObject({
  version: count.describe("the kind of commitment, as lnd numbers them"),
  isInitiator: z.boolean().describe("whether this node opened it"),
  chainHash: hex.describe("the chain, as block explorers print its genesis block"),
  fundingOutpoint: channelPoint.describe("txid and index"),
  shortChannelId: z.string().describe("as in `401x1x0`"),
  remoteNodePub: publicKey.describe("the peer"),
  addresses: z.array(z.string()).describe("where the peer was last known to be reached"),
  capacitySat: z
    .number()
    .min(0)
    .max(2 ** 53)
    .describe("the channel's capacity"),
  localChanCfg: side(locator).meta({
    form: "object",
    description: `this node's side: \`csvDelay\`, and \`family\` and \`index\` of ${namesOf(sides)}`,
  }),
  remoteChanCfg: side(publicKey).meta({
    form: "object",
    description: `the peer's side: \`csvDelay\`, and the public keys ${namesOf(sides)}`,
  }),
  shaChainRootDesc: z
    .strictObject({
      pubKey: publicKey.nullable().describe("only of old channels"),
      family: count.describe("the key family"),
      index: count.describe("the index in it"),
    })
    .describe("how to derive the channel's revocation secrets"),
  leaseExpiry: count.optional().describe("only of version 4"),
  closeTxInputs: z
    .strictObject({
      present: z.boolean().describe("whether a force close transaction is in the backup"),
      commitTx: hex.optional().describe("only with `--with-close-tx`, as the following"),
      commitSig: hex.optional().describe("the peer's signature"),
      commitHeight: z.string().regex(/^\d+$/).optional().describe("only of taproot channels"),
      tapscriptRoot: hex.optional().describe("only of taproot channels with one"),
    })
    .describe("an out-of-date one that is broadcast can lose all the channel's funds"),
});

function namesOf(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

const store = storeName.optional().describe("the store that it is from; only with several stores");

export const inspect: JsonDocument = {
  about: "What is in a backup.",
  forms: [
    {
      when: "With a key",
      schema: z.strictObject({
        kind: z.enum(["multi", "single"]).describe("the format"),
        version: count.describe("of the format"),
        channels: z.array(channel).describe("by channel point"),
        store,
      }),
    },
    {
      when: "Without a key",
      schema: z.strictObject({
        kind: z.literal("multi").nullable().describe("null: it may be a Multi or a Single"),
        sizeBytes: count.describe("its size"),
        sha256: sha256.describe("SHA-256 of its bytes"),
        empty: z.boolean().describe("whether it is a Multi without channels"),
        mostChannels: count.describe("how many channels it can hold at most, by its size"),
        store,
      }),
    },
  ],
};

export const diff: JsonDocument = {
  about: "What is different between two backups.",
  forms: [
    {
      when: null,
      schema: z.strictObject({
        added: z.array(channelPoint).describe("channels that only the second has"),
        removed: z.array(channelPoint).describe("channels that only the first has"),
        changed: z
          .array(
            z.strictObject({
              fundingOutpoint: channelPoint.describe("the channel"),
              fields: z.array(z.string()).describe("the fields that differ, named as in `inspect`"),
            }),
          )
          .describe("channels of both that differ"),
        stores: z
          .array(storeName.nullable())
          .length(2)
          .optional()
          .describe("the stores that they are from (null for a file); only with several stores"),
      }),
    },
  ],
};
