import * as z from "zod";

/**
 * The values that the documents are made of. The schemas of this folder are what `docs/reference/json.md`
 * is generated from and what the tests hold every document to. The program itself loads none of them.
 */

export const channelPoint = z.string().regex(/^[0-9a-f]{64}:\d+$/);
export const hex = z.string().regex(/^[0-9a-f]+$/);
export const publicKey = z.string().regex(/^0[23][0-9a-f]{64}$/);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const time = z.iso.datetime();
export const storeName = z.string().min(1);
export const count = z.int().min(0);
export const verdict = z.enum(["safe", "unsafe", "unknown"]);
export const level = z.enum(["problem", "unknown", "warning"]);

/** A key in the node's folder. */
export const versionKey = z.string().regex(/^versions\//);
export const objectKey = z.string().min(1);

/** Objects that several documents hold: the page describes each once. */
function shared<T extends z.ZodType>(id: string, description: string, schema: T): T {
  return schema.meta({ id, description });
}

const findingFields = {
  code: z.string().min(1).describe("what was found: see [findings](../findings.md)"),
  level: level.describe("only problems and unknowns decide the verdict"),
  subject: z.string().describe("what it is about: a store, a key in it, a node"),
  message: z.string().describe("what was seen, for people"),
  remedy: z.string().describe("what to do, for people"),
};

export const finding = shared(
  "Finding",
  "One thing that was found.",
  z.strictObject(findingFields),
);

export const storeFinding = shared(
  "StoreFinding",
  "One thing that was found, and the store that it is about.",
  z.strictObject({
    ...findingFields,
    store: storeName.describe("the store's name"),
    tolerated: z
      .boolean()
      .describe("a problem that is a warning only because `--require` other stores are safe"),
  }),
);

export const told = shared(
  "Problem",
  "A finding in one sentence. It is a problem or unknown; `findings` has the level.",
  z.strictObject({
    code: z.string().min(1).describe("the code of the finding"),
    message: z.string().describe("what was seen and what to do"),
  }),
);

export const toldOfStore = shared(
  "StoreProblem",
  "As Problem, with the store that it is about.",
  z.strictObject({ ...told.shape, store: storeName.describe("the store's name") }),
);

export const latest = shared(
  "Latest",
  "The version that a store holds as current.",
  z.strictObject({
    key: versionKey.describe("its key in the node's folder"),
    sequence: count.describe("its sequence"),
    sha256: sha256.describe("SHA-256 of its bytes, in hex"),
    sizeBytes: count.describe("its size"),
    committedAt: time.describe("when it was saved, by the clock of the mirror that saved it"),
    writer: z.string().describe("who saved it: program, machine and process"),
    channels: count.nullable().describe("how many channels it holds; null if nobody knows"),
  }),
);

export const alsoRestore = shared(
  "AlsoRestore",
  "An older version that a restore needs besides the current one, for the funds of closed channels.",
  z.strictObject({
    key: versionKey.describe("its key in the node's folder"),
    sha256: sha256.nullable().describe("SHA-256 of its bytes; null if only metadata names it"),
    channelPoints: z.array(channelPoint).describe("the channels that it is needed for"),
  }),
);

export const failure = shared(
  "Failure",
  "What kept a store from answering.",
  z.strictObject({
    code: z.string().min(1).describe("the code of the error"),
    message: z.string().describe("what happened and what to do"),
  }),
);

export const lastDrill = shared(
  "LastDrill",
  "The newest drill whose result the store holds.",
  z.strictObject({
    key: objectKey.describe("the key of its record"),
    at: time.describe("when it was made"),
    ok: z.boolean().describe("whether a restore would have worked"),
    verdict: z.enum(["would-restore", "would-not-restore", "unknown"]).describe("what it found"),
    version: z
      .strictObject({
        key: z.string().describe("the version that it looked at"),
        sequence: z.int().describe("the sequence of that version"),
      })
      .nullable()
      .describe("null if it found no version"),
  }),
);
