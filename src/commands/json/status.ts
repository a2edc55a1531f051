import * as z from "zod";
import { document } from "./document.ts";
import {
  channelPoint,
  count,
  lastDrill,
  latest,
  storeFinding,
  storeName,
  time,
  told,
  verdict,
} from "./values.ts";

const ageSeconds = count
  .nullable()
  .describe("how long ago it was saved; null if that isn't known, or lies in the future");

const storeFields = {
  store: storeName.describe("the store's name"),
  healthy: z.boolean().describe("whether this store by itself is safe"),
  latest: latest.nullable().describe("null for nothing"),
  ageSeconds,
  problems: z.array(told).describe("what keeps this store from being safe"),
};

const common = {
  node: z.string().describe("the node's folder"),
  healthy: z.boolean().describe("whether the verdict is safe"),
  problems: z.array(told).describe("the findings that the verdict rests on"),
  latest: latest.nullable().describe("of the store with the newest state; null for nothing"),
  ageSeconds,
  verdict: verdict.describe("over all stores"),
  findings: z.array(storeFinding).describe("problems, then unknowns, then warnings"),
};

const fields = {
  ...common,
  stores: z.array(z.strictObject(storeFields)).describe("each store, in the order of `--to`"),
  notChecked: z.array(z.string()).describe("what wasn't looked at, and what to give so that it is"),
  appendOnly: z
    .boolean()
    .describe("the store has no pointer; the newest version counts as current"),
  opened: z
    .strictObject({
      key: z.boolean().nullable().describe("whether the key decrypted it; null if none was given"),
      lnd: z.boolean().nullable().describe("whether lnd decrypted it; null if it wasn't asked"),
    })
    .describe("who decrypted the current version"),
  covered: z
    .boolean()
    .nullable()
    .describe("whether it holds every channel that the node has open; null if that isn't known"),
  limbo: z
    .array(
      z.strictObject({
        channelPoint: channelPoint.describe("the channel"),
        limboSat: z.int().describe("what is still to come of it, as the node reckons"),
        maturityHeight: z.int().nullable().describe("where the node's own time lock ends"),
        covered: z.boolean().describe("whether a restore would bring it back"),
      }),
    )
    .nullable()
    .describe("closed channels whose funds aren't home yet; null if no node was asked"),
  lastDrill: lastDrill
    .extend({ ageSeconds: count.describe("how long ago") })
    .nullable()
    .describe("the last drill that the store knows of; null for none"),
  lastRestore: z
    .strictObject({
      at: time.describe("when"),
      key: z.string().nullable().describe("the version"),
      sequence: z.int().nullable().describe("its sequence"),
      to: z.string().nullable().describe("where it went: `file`, `stdout` or `lnd`"),
      by: z.string().nullable().describe("program, machine and process"),
    })
    .nullable()
    .describe("the newest restore from this folder; null for none"),
  lastAttestation: z
    .strictObject({
      key: z.string().describe("the key of its record"),
      at: time.describe("when it was written"),
      state: z.enum(["running", "stopped"]).describe("what the mirror said of itself"),
      writer: z.string().describe("which mirror"),
      ageSeconds: count.describe("how long ago"),
    })
    .nullable()
    .describe("when a mirror last wrote that it lives; null for never"),
};

export const status = document(
  "The verdict on one node and what it rests on.",
  z.strictObject(fields),
);

export const statusAll = document(
  "`status --all --json`, and `GET /status.json` of `watch`.",
  z.strictObject({
    nodes: z
      .array(
        z.strictObject({
          ...fields,
          readBackAt: time
            .nullable()
            .describe(
              "when what a restore takes was last read back from every store; null for never",
            ),
        }),
      )
      .meta({
        form: "list of objects",
        description:
          "each node as in `status --json`, with `readBackAt`: when what a restore takes was last read back from every store (a time), or null",
      }),
  }),
);

export const served = document(
  "`GET /status.json` of `run --listen`: as `status --json`, as far as the running mirror knows it.",
  z.strictObject({
    ...common,
    stores: z
      .array(
        z.strictObject({
          ...storeFields,
          provedAt: time
            .nullable()
            .describe(
              "when the store was last read back and held the node's state; null for never",
            ),
        }),
      )
      .describe("each store, in the order of `--to`"),
    at: time.describe("now, by the mirror's clock"),
    since: time.describe("since when the verdict is this one"),
    source: z.string().nullable().describe("where the node's state comes from"),
    nodeConnected: z.boolean().describe("whether the node answers"),
  }),
);
