import * as z from "zod";
import {
  count,
  sha256,
  storeFinding,
  storeName,
  time,
  told,
  verdict,
  versionKey,
} from "./values.ts";

/** One event: a line of `run --json` or `watch --json`. */
export interface EventDocument {
  readonly about: string;
  readonly schema: z.ZodObject;
}

function event(name: string, about: string, fields: z.ZodRawShape): EventDocument {
  const schema = z.strictObject({
    event: z.literal(name).describe("the event"),
    at: time.describe("when it was told"),
    ...fields,
  });
  return { about, schema };
}

const store = storeName.describe("the store's name");
const ofNodeOrStore = storeName.optional().describe("the store; absent if it is about the node");
const sequence = count.describe("the sequence of the current version");
const code = z.string().describe("the code of the error");
const message = z.string().describe("what happened and what to do");
const attempts = count.describe("how many attempts it took");
const retryInMs = z.number().min(0).describe("when it is tried again");
const reason = z
  .enum([
    ...(["start", "channel-event", "file-changed", "reconnected", "follow-up", "refresh"] as const),
    ...(["superseded", "lost", "manual-update"] as const),
  ])
  .describe("why a snapshot was taken");
const verdicts = {
  verdict: verdict.describe("over all stores"),
  findings: z.array(storeFinding).describe("what the verdict rests on, and warnings"),
  stores: z
    .array(z.strictObject({ store, verdict: verdict.describe("of this store by itself") }))
    .describe("each store"),
};

export const runEvents = {
  started: event("started", "The store was opened, and the mirror begins.", {
    store,
    node: z.string().describe("the node's folder"),
    source: z.string().describe("where the node's state comes from"),
    sequence: count.describe("what the store holds as current; 0 for nothing"),
    appendOnly: z.boolean().describe("the store has no pointer: exactly one mirror may run"),
  }),
  swapped: event("swapped", "A backup was saved, and is current.", {
    store,
    sequence,
    key: versionKey.describe("its key in the node's folder"),
    sha256: sha256.describe("SHA-256 of its bytes"),
    sizeBytes: count.describe("its size"),
    channels: count.nullable().describe("how many channels it holds; null if nobody knows"),
    operation: z.string().describe("the ULID of the swap"),
    reason,
    attempts,
    elapsedMs: z.number().min(0).describe("from the event at the node to the known commit"),
  }),
  unchanged: event("unchanged", "The store holds the node's state already: it was read back.", {
    store,
    reason,
    sequence,
  }),
  refused: event("refused", "A guard held a backup back. The current version stays.", {
    store,
    code: z.string().describe("why: a finding's or an error's code"),
    message,
    quarantineKey: z.string().nullable().describe("where it is kept; null if it isn't yet"),
  }),
  retrying: event("retrying", "Something failed, and is tried again.", {
    store: ofNodeOrStore,
    code,
    message,
    attempt: count.describe("the attempt that failed, from 1"),
    retryInMs,
  }),
  recovered: event("recovered", "It works again.", { store: ofNodeOrStore, attempts }),
  lost: event("lost", "The store no longer holds what was saved. It is saved anew at once.", {
    store,
    code,
    message,
  }),
  failed: event("failed", "A person has to mend this store. The other stores go on.", {
    store,
    code,
    message,
    retryInMs: retryInMs.nullable().describe("when it is looked at again; null: not in this run"),
  }),
  levelled: event("levelled", "The store was empty, and holds now what another store does.", {
    store,
    from: storeName.describe("that other store"),
    versions: count.describe("how many versions were copied"),
  }),
  drilled: event("drilled", "A restore was rehearsed.", {
    store,
    ok: z.boolean().describe("whether a restore would work"),
    verdict: z.enum(["would-restore", "would-not-restore", "unknown"]).describe("what it found"),
    problems: z.array(told).describe("what that rests on"),
    sequence: count.nullable().describe("of the version; null for none"),
    recordedAs: z.string().nullable().describe("the key of the record; null if none was kept"),
    durationMs: z.number().min(0).describe("how long it took"),
  }),
  verdict: event("verdict", "The verdict, or what it rests on, has changed.", {
    store: storeName.optional().describe("the store; absent if there are several"),
    ...verdicts,
  }),
  waiting: event("waiting", "Nothing has come for 30 seconds.", {
    for: z.string().describe("what is waited for"),
    since: time.describe("since when"),
  }),
  stopped: event("stopped", "The mirror ends.", {
    last: z
      .enum(["saved", "refused"])
      .nullable()
      .describe("what became of the last state; null if none was seen"),
    saved: count.describe("how many stores hold it"),
    of: count.describe("how many stores there are"),
  }),
};

export const watchEvents = {
  started: event("started", "The first round is over.", {
    nodes: count.describe("how many nodes were found"),
    stores: z.array(storeName).describe("the names of the stores"),
  }),
  verdict: event("verdict", "The verdict on a node, or what it rests on, has changed.", {
    node: z.string().describe("the node's folder"),
    ...verdicts,
  }),
  retrying: event("retrying", "A store doesn't answer.", { store, code, message }),
  recovered: event("recovered", "It answers again.", { store }),
  stopped: event("stopped", "The watch ends.", {}),
};
