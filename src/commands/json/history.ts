import * as z from "zod";
import { document, ofEachStore, storesOf } from "./document.ts";
import {
  alsoRestore,
  channelPoint,
  count,
  finding,
  objectKey,
  sha256,
  storeFinding,
  storeName,
  time,
  verdict,
  versionKey,
} from "./values.ts";

const node = z.string().describe("the node's folder");
const applied = z.boolean().describe("whether it was done (`--apply`) or only planned");

const versions = z
  .array(
    z.strictObject({
      key: versionKey.describe("its key in the node's folder"),
      sequence: count.describe("its sequence"),
      sha256: sha256.describe("SHA-256 of its bytes, as recorded when it was saved"),
      sizeBytes: count.describe("its size"),
      createdAt: time.describe("when it was saved"),
      current: z.boolean().describe("whether it is the current version"),
      orphan: z.boolean().describe("it never became current: another one was first"),
      store: storeName.describe("the store's name"),
    }),
  )
  .describe("newest first");
const total = count.describe("how many there are; fewer are listed with `--limit`");

export const list = {
  about: "The versions in the store.",
  forms: [
    { when: "With one store", schema: z.strictObject({ node, total, versions }) },
    {
      when: "With several stores",
      schema: z.strictObject({
        node,
        total: total.describe("how many there are, in all stores"),
        versions: versions.describe("of all stores, newest first by time"),
        stores: storesOf(z.strictObject({ total })),
      }),
    },
  ],
};

const verifyProblem = {
  key: objectKey.describe("the object"),
  code: z.string().describe("the code of the finding"),
  message: z.string().describe("what was seen"),
};
const verifyFacts = {
  ok: z.boolean().describe("whether the verdict is safe"),
  checked: count.describe("how many versions were read back, whole"),
  problems: z
    .array(z.strictObject(verifyProblem))
    .describe("the findings that the verdict rests on"),
  total: count.describe("how many versions there are"),
  verdict: verdict.describe("on the pointer and on what was read back"),
  findings: z.array(finding).describe("by key"),
  notes: z
    .array(
      z.strictObject({
        key: objectKey.describe("the object"),
        code: z.enum(["orphan", "pending", "foreign"]).describe("what it is"),
        message: z.string().describe("for people"),
      }),
    )
    .describe("what is worth knowing and no problem"),
  also: z.array(alsoRestore).describe("what a restore of the current version needs besides"),
  openedBy: z
    .enum(["key", "lnd"])
    .nullable()
    .describe("who decrypted the versions; null for nobody"),
};

export const verify = ofEachStore(
  "What was read back, and what is wrong with it.",
  z.strictObject(verifyFacts),
  {
    ok: z.boolean().describe("whether the verdict is safe"),
    checked: count.describe("how many versions were read back, in all stores"),
    problems: z
      .array(z.strictObject({ ...verifyProblem, store: storeName.describe("the store's name") }))
      .describe("of all stores"),
    total: count.describe("how many versions there are, in all stores"),
    verdict: verdict.describe("over all stores, by `--require`"),
    findings: z.array(storeFinding).describe("of all stores"),
  },
  z.strictObject({ node, ...verifyFacts }),
);

const candidate = z.strictObject({
  key: versionKey.describe("its key"),
  sequence: count.describe("its sequence"),
  sha256: sha256.describe("SHA-256 of its bytes"),
  sizeBytes: count.describe("its size"),
  createdAt: time.describe("when it was saved"),
  openedBy: z.enum(["key", "lnd"]).nullable().describe("who decrypted it; null for nobody"),
});

export const repair = ofEachStore(
  "What is wrong with the pointer, and what it must name.",
  z.strictObject({
    node,
    state: z
      .enum(["ok", "lost", "damaged", "target-missing", "target-damaged", "behind"])
      .describe("what is wrong with the pointer"),
    message: z.string().describe("the same for people"),
    applied,
    target: candidate.nullable().describe("what it must name; null if that has to be chosen"),
    candidates: z.array(candidate).describe("what there is to choose from"),
    damaged: z.array(versionKey).describe("newer versions that don't read back right"),
    alsoRestore: z.array(alsoRestore).describe("what the pointer must name besides"),
  }),
);

const prunedVersion = {
  key: versionKey.describe("its key"),
  sequence: count.describe("its sequence"),
  sizeBytes: count.describe("its size"),
  createdAt: time.describe("when it was saved"),
};

export const prune = ofEachStore(
  "Which versions stay, and which go.",
  z.strictObject({
    node,
    applied,
    policy: z
      .strictObject({
        keepLast: count.describe("`--keep-last`"),
        keepDaily: count.describe("`--keep-daily`"),
        keepWeekly: count.describe("`--keep-weekly`"),
        keepMonthly: count.describe("`--keep-monthly`"),
        keepWithinMs: count.describe("`--keep-within`, in milliseconds"),
      })
      .describe("what was asked for; 0 for no such rule"),
    keep: z
      .array(
        z.strictObject({
          ...prunedVersion,
          reasons: z
            .array(
              z.enum([
                ...([
                  "last",
                  "within",
                  "daily",
                  "weekly",
                  "monthly",
                  "current",
                  "previous",
                ] as const),
                ...(["needed", "pending", "young", "branch", "damaged", "unproven"] as const),
              ]),
            )
            .describe("the rules of the policy, and what protects it besides"),
        }),
      )
      .describe("newest first"),
    remove: z
      .array(
        z.strictObject({
          ...prunedVersion,
          orphan: z.boolean().describe("it never became current"),
          outcome: z
            .enum(["planned", "removed", "failed", "left"])
            .describe("`left`: it wasn't tried, since the pointer had moved"),
          message: z.string().nullable().describe("why it failed"),
        }),
      )
      .describe("newest first"),
    mirrors: z
      .strictObject({
        gone: count.describe("how many there are"),
        removed: count.describe("how many were removed"),
        message: z.string().nullable().describe("why one couldn't be removed"),
      })
      .describe("the records (`mirrors/`) of mirrors that are long gone"),
    versioning: z
      .enum(["on", "suspended", "off", "unknown"])
      .nullable()
      .describe("whether the bucket keeps what is deleted; null if the store can't tell"),
  }),
);

export const accept = ofEachStore(
  "The backup that is current now.",
  z.strictObject({
    node,
    sequence: count.describe("its sequence"),
    key: versionKey.describe("its key"),
    sha256: sha256.describe("SHA-256 of its bytes"),
    sizeBytes: count.describe("its size"),
    channels: count.nullable().describe("how many channels it holds; null if nobody knows"),
    accepted: objectKey.describe("the key in `quarantine/` that it was kept under"),
    code: z.string().describe("why it had been held back"),
    replaced: z
      .strictObject({
        sequence: count.describe("its sequence"),
        key: versionKey.describe("its key"),
      })
      .nullable()
      .describe("what was current before, and stays in the store"),
    gone: z.array(channelPoint).nullable().describe("channels that it lacks; null if not known"),
    poorer: z
      .array(channelPoint)
      .nullable()
      .describe("channels that it holds less of; null if not known"),
  }),
);

export const copy = document(
  "What was copied, or would be.",
  z.strictObject({
    from: storeName.describe("the source's name"),
    to: storeName.describe("the target's name"),
    node,
    applied,
    versions: z
      .strictObject({
        total: count.describe("in the source"),
        copied: count.describe("copied, or to be copied"),
        present: count.describe("in the target already, byte for byte"),
        damaged: count.describe("not as they were saved"),
        missing: count.describe("named by the pointer, and not there"),
        differing: count.describe("other bytes under this key in the target"),
        unproven: count.describe("nothing says what was saved"),
      })
      .describe("how many versions"),
    records: z
      .strictObject({
        copied: count.describe("copied, or to be copied"),
        present: count.describe("in the target already"),
      })
      .describe("how many objects of `quarantine/` and `restores/`"),
    bytes: count.describe("the size of the versions that were copied"),
    pointer: z
      .strictObject({
        state: z
          .enum(["placed", "planned", "level", "none", "withheld"])
          .describe("`level`: it names what the source's does; `withheld`: a person has to decide"),
        sequence: count.nullable().describe("what the source's names"),
        key: versionKey.nullable().describe("its key"),
        reason: z.string().nullable().describe("why it has none, or was withheld"),
      })
      .describe("the target's pointer"),
    problems: z
      .array(
        z.strictObject({
          key: objectKey.describe("the object"),
          code: z.enum(["damaged", "missing", "differs", "unproven"]).describe("what is wrong"),
          message: z.string().describe("for people"),
        }),
      )
      .describe("by key"),
    movedOnTo: count.nullable().describe("the sequence that the source has come to meanwhile"),
  }),
);
