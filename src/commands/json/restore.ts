import * as z from "zod";
import { document } from "./document.ts";
import {
  channelPoint,
  count,
  finding,
  lastDrill,
  sha256,
  storeName,
  time,
  verdict,
  versionKey,
} from "./values.ts";

const fileOrNull = z.string().nullable().describe("where it was written; null with `--to-lnd`");
const current = z
  .strictObject({
    sequence: count.describe("its sequence"),
    savedAt: time.describe("when it was saved"),
  })
  .nullable()
  .describe("the current version; null for none");

export const restore = document(
  "The version that was fetched, and what to do next.",
  z.strictObject({
    file: fileOrNull,
    key: versionKey.describe("its key"),
    sequence: count.describe("its sequence"),
    sha256: sha256.describe("SHA-256 of its bytes"),
    sizeBytes: count.describe("its size"),
    verified: z
      .strictObject({
        hash: z.boolean().describe("the bytes are those that were saved"),
        decrypted: z.boolean().describe("a key decrypted it"),
      })
      .describe("what was checked"),
    channels: count.nullable().describe("how many channels it holds; null without a key"),
    ageSeconds: count.nullable().describe("how long ago it was saved; null if that can't be right"),
    next: z.string().describe("what to run next"),
    also: z
      .array(
        z.strictObject({
          file: z.string().nullable().describe("where it was written; null if it wasn't"),
          key: versionKey.describe("its key"),
          sha256: sha256.nullable().describe("SHA-256 of its bytes"),
          channelPoints: z.array(channelPoint).describe("the channels that it is needed for"),
          error: z
            .string()
            .nullable()
            .describe("why it couldn't be fetched, or lnd didn't take it"),
        }),
      )
      .describe("what has to be restored after it"),
    store: storeName.describe("the store that it is from"),
    stores: z
      .array(
        z.strictObject({
          store: storeName.describe("the store's name"),
          holds: z
            .enum(["same", "older", "newer", "other", "nothing", "unread"])
            .describe("beside what was taken"),
          sequence: count.nullable().describe("of what is current there"),
          key: versionKey.nullable().describe("its key"),
          sha256: sha256.nullable().describe("SHA-256 of its bytes"),
          savedAt: time.nullable().describe("when it was saved"),
          message: z.string().nullable().describe("why nothing is known of it"),
        }),
      )
      .describe("what each store holds"),
    chain: z
      .boolean()
      .nullable()
      .describe("whether its place in the history is proved; null if that isn't known"),
    restored: count.nullable().describe("how many channels lnd took; null without `--to-lnd`"),
    capacitySat: count.nullable().describe("the capacity of its channels; null without a key"),
    newest: z.boolean().describe("whether it was seen to be the newest version of all stores"),
    verdict: verdict.describe("on the store that it is from"),
    findings: z.array(finding).describe("what the verdict rests on, and warnings"),
    offered: z
      .strictObject({
        key: versionKey.describe("its key"),
        sequence: count.describe("its sequence"),
        next: z.string().describe("the command that takes it"),
        store: storeName.describe("the store that has it"),
      })
      .nullable()
      .describe("a newer intact version that never became current; null for none"),
    newerVersions: count
      .nullable()
      .describe("how many newer versions there are; null if not known"),
    openedSince: count.nullable().describe("channels that opened later; null if not known"),
    closedSince: count.nullable().describe("channels of it that have closed; null if not known"),
  }),
);

export const kit = document(
  "The recovery kit that was written.",
  z.strictObject({
    file: z.string().describe("where it was written"),
    node: z.string().describe("the node's folder"),
    pubkey: z.string().nullable().describe("the node's public key; null if nobody says it"),
    network: z.string().nullable().describe("the node's network; null if nobody says it"),
    to: z.string().describe("the store that holds the newest state, as `--to` takes it"),
    copies: z
      .array(
        z.strictObject({
          to: z.string().describe("as `--to` takes it"),
          kind: z.string().describe("the kind of store"),
          current,
        }),
      )
      .describe("the other stores, newest first"),
    current,
    isNewest: z.boolean().describe("whether it was seen to be the newest version"),
    doubts: z.array(z.string()).describe("what keeps us from saying so"),
    also: z.array(versionKey).describe("older versions that a restore needs besides"),
    lastDrill: lastDrill.nullable().describe("the last drill; null for none"),
  }),
);
