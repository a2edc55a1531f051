import * as z from "zod";
import { ofEachStore } from "./document.ts";
import {
  alsoRestore,
  channelPoint,
  count,
  finding,
  publicKey,
  sha256,
  storeFinding,
  time,
  told,
  toldOfStore,
  versionKey,
} from "./values.ts";

const drillVerdict = z.enum(["would-restore", "would-not-restore", "unknown"]);

const address = z.strictObject({
  address: z.string().describe("host and port"),
  inBackup: z.boolean().nullable().describe("whether the backup has it; null without a key"),
  announced: z.boolean().nullable().describe("whether the peer announces it; null if not told"),
  dial: z
    .strictObject({
      outcome: z.enum(["answers", "no-answer", "not-tried"]).describe("what came of dialling it"),
      reason: z.string().nullable().describe("why it doesn't answer, or wasn't tried"),
    })
    .nullable()
    .describe("null without `--dial`"),
});

const channel = z.strictObject({
  channelPoint: channelPoint.describe("txid and index"),
  inBackup: z
    .boolean()
    .nullable()
    .describe("whether the backup holds it; null if nobody opened it"),
  inAlso: versionKey.nullable().describe("the older version that holds it, if a restore takes one"),
  state: z
    .enum(["open", "pending-open", "restored", "closing", "closed", "unknown"])
    .nullable()
    .describe("by the node; null if it didn't tell"),
  peer: publicKey.nullable().describe("the peer's public key"),
  capacitySat: count.nullable().describe("the channel's capacity"),
  comesBackSat: count
    .nullable()
    .describe("what the peer's close would pay this node as things stand"),
  maturityHeight: z.int().nullable().describe("of a closing channel: where the time lock ends"),
  inFlightSat: count.nullable().describe("in payments under way"),
  commitment: z
    .enum(["legacy", "static-remote-key", "anchors", "lease", "taproot"])
    .nullable()
    .describe("how the peer's commitment pays this node"),
  delayBlocks: count.nullable().describe("confirmations until that can be spent"),
  notBeforeHeight: z.int().nullable().describe("of a lease: not before this height"),
  ownCsvDelayBlocks: count.nullable().describe("the delay of this node's own commitment"),
  connected: z.boolean().nullable().describe("whether the peer is connected now"),
  connectedAt: z.string().nullable().describe("at which address"),
  inbound: z.boolean().nullable().describe("whether the peer has dialled this node"),
  reach: z
    .enum(["answers", "no-answer", "must-come", "not-tried"])
    .describe("`must-come`: it has no address that could be dialled"),
  addresses: z.array(address).describe("where the peer may be reached"),
});

const facts = {
  node: z.string().describe("the node's folder"),
  ok: z.boolean().describe("whether the verdict is `would-restore`"),
  verdict: drillVerdict.describe("whether a restore would work"),
  at: time.describe("when it began"),
  durationMs: z.number().min(0).describe("how long it took"),
  version: z
    .strictObject({
      key: versionKey.describe("its key"),
      sequence: count.describe("its sequence"),
      sha256: sha256.describe("SHA-256 of its bytes"),
      sizeBytes: count.describe("its size"),
      committedAt: time.describe("when it was saved"),
      ageSeconds: count.nullable().describe("how long ago; null if its time can't be right"),
    })
    .nullable()
    .describe("the current version; null for none"),
  also: z.array(alsoRestore).describe("what a restore takes besides"),
  opened: z
    .strictObject({
      hash: z.boolean().nullable().describe("whether the bytes are those that were saved"),
      key: z.boolean().nullable().describe("whether the key decrypted it; null if none was given"),
      lnd: z.boolean().nullable().describe("whether lnd decrypted it; null if it wasn't asked"),
    })
    .describe("what was checked"),
  covered: z
    .boolean()
    .nullable()
    .describe("whether it holds every channel of the node; null if no node was asked"),
  counts: z
    .strictObject({
      inBackup: count.nullable().describe("channels in the backup"),
      open: count.nullable().describe("channels that the node has"),
      missing: count.nullable().describe("channels that the backup lacks"),
      comesBackSat: count.nullable().describe("what would come back in all"),
      limboSat: count.nullable().describe("what is still to come of closing channels"),
      lostLimboSat: count
        .nullable()
        .describe("of that, what nothing in the store would bring back"),
    })
    .describe("null if not known"),
  channels: z.array(channel).describe("each channel of the backup or the node, by channel point"),
  notChecked: z.array(z.string()).describe("what wasn't looked at, and what to give so that it is"),
  recordedAs: z.string().nullable().describe("the key of the record; null if none was kept"),
};
const ofStore = {
  findings: z.array(finding).describe("problems first"),
  problems: z.array(told).describe("what the verdict rests on"),
  warnings: z.array(told).describe("what else was found"),
};
const ofAll = {
  findings: z.array(storeFinding).describe("problems first"),
  problems: z.array(toldOfStore).describe("what the verdict rests on"),
  warnings: z.array(toldOfStore).describe("what else was found"),
};

export const drill = ofEachStore(
  "What a restore would bring back.",
  z.strictObject({ ...facts, ...ofStore }),
  {
    ok: z.boolean().describe("whether the verdict is `would-restore`"),
    verdict: drillVerdict.describe("over all stores, by `--require`"),
    ...ofAll,
  },
  z.strictObject({ ...facts, ...ofAll }),
);
