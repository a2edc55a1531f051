import assert from "node:assert/strict";
import { z } from "zod";
import type { Delivery, Exchange } from "../peers/fault-proxy/exchange.ts";
import { faultName } from "../peers/fault-proxy/fault.ts";
import { assertNothingLost, type Bucket, type LineageEntry, sha256 } from "./bucket.ts";

export interface AuditInput {
  /** All requests of the programs since the store was empty. */
  readonly exchanges: readonly Exchange[];
  readonly bucket: Pick<Bucket, "name" | "current" | "lineage" | "get">;
  /** PREFIX/NODE. */
  readonly folder: string;
  /** What the programs reported as saved. */
  readonly acknowledged: readonly LineageEntry[];
}

/** Figures about what was checked, for people. */
export interface AuditReport {
  readonly requests: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  readonly commits: number;
  /** Commits that the client didn't learn of from the answer to its request. */
  readonly commitsUntold: number;
  readonly acknowledged: number;
  readonly versions: number;
  readonly lineage: readonly LineageEntry[];
}

const pointerSchema = z.object({
  sequence: z.number(),
  version: z.object({ key: z.string(), size: z.number(), sha256: z.string() }),
  previous: z.object({ key: z.string(), sha256: z.string() }).nullable(),
  operation: z.string(),
});
type LoggedPointer = z.infer<typeof pointerSchema>;

/**
 * Judges the swaps of one folder from outside, by what went through a fault proxy (that keeps the
 * text of `latest.json`) and by the bucket. It knows the objects of the swap protocol, and none of
 * the program's own code. Fails if one of these does not hold:
 *
 * - each acknowledged swap is in the lineage, which is intact (I2);
 * - each pointer that was ever committed named a version that the store was known to hold, with that
 *   size and hash, before the pointer was sent (I1);
 * - the sequences of the committed pointers are 1, 2, 3 …, each once, each on top of the one before
 *   (I3, I5);
 * - each key was only ever given one byte string, and still holds it (I4);
 * - each write of the pointer and of a version had a condition, and nothing was deleted outside
 *   `probe/` (I6).
 */
export async function auditSwaps(input: AuditInput): Promise<AuditReport> {
  const { exchanges, bucket, folder, acknowledged } = input;
  const root = `/${bucket.name}/${folder}/`;
  const ours = exchanges.filter(({ path }) => path.startsWith(root));
  const requests = ours.map((exchange) => ({ ...exchange, key: exchange.path.slice(root.length) }));

  for (const { method, key, ifMatch, ifNoneMatch } of requests) {
    if (key.startsWith("probe/")) continue;
    assert.notEqual(method, "DELETE", `${key} was deleted`);
    // Whatever else is kept beside them (a quarantine, records of drills) is no part of a swap.
    if (method !== "PUT" || !/^(?:versions\/|latest\.json$)/.test(key)) continue;
    assert.ok(ifMatch !== null || ifNoneMatch === "*", `${key} was written without a condition`);
    if (key !== "latest.json") assert.equal(ifNoneMatch, "*", `${key} could have been overwritten`);
  }

  const versions = versionsOf(requests);
  const pointers = committedPointers(requests);
  const { pointer: current } = await bucket.current(folder);
  const bySequence = new Map<number, LoggedPointer>();
  for (const { pointer } of pointers.values()) {
    const other = bySequence.get(pointer.sequence);
    assert.equal(other, undefined, `two commits of sequence ${pointer.sequence}`);
    bySequence.set(pointer.sequence, pointer);
  }
  assert.equal(bySequence.size, current.sequence, "one commit for each sequence");
  for (let sequence = 1; sequence <= current.sequence; sequence += 1) {
    const before = bySequence.get(sequence - 1);
    const expected =
      before === undefined ? null : { key: before.version.key, sha256: before.version.sha256 };
    assert.deepEqual(bySequence.get(sequence)?.previous, expected, `what ${sequence} replaced`);
  }
  for (const { pointer, sentAt } of pointers.values()) {
    const { key, size, sha256: hash } = pointer.version;
    const version = versions.get(key);
    assert.ok(version !== undefined, `${key} was named, and never written`);
    assert.deepEqual([version.sizeBytes, version.sha256], [size, hash], `${key} as it was named`);
    assert.ok(version.knownAt < sentAt, `${key} was named before it was known to be there`);
  }

  const lineage = await bucket.lineage(folder);
  assertNothingLost(acknowledged, lineage);
  for (const [key, { sha256: hash, knownAt }] of versions) {
    if (knownAt === Number.POSITIVE_INFINITY) continue;
    const { bytes } = await bucket.get(`${folder}/${key}`);
    assert.equal(sha256(bytes), hash, `${key} holds what was written first`);
  }
  return {
    requests: requests.length,
    faults: countBy(requests.map(({ fault }) => faultName(fault))),
    commits: pointers.size,
    commitsUntold: [...pointers.values()].filter(({ isTold }) => !isTold).length,
    acknowledged: acknowledged.length,
    versions: versions.size,
    lineage,
  };
}

interface Keyed extends Exchange {
  /** Relative to the folder. */
  readonly key: string;
}

interface LoggedVersion {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** When the store first showed that it holds it; infinite if it never did. */
  knownAt: number;
}

function versionsOf(requests: readonly Keyed[]): ReadonlyMap<string, LoggedVersion> {
  const versions = new Map<string, LoggedVersion>();
  for (const { method, key, body } of requests) {
    if (method !== "PUT" || !key.startsWith("versions/")) continue;
    const known = versions.get(key);
    if (known !== undefined) assert.equal(body.sha256, known.sha256, `${key}: two byte strings`);
    else versions.set(key, { ...body, knownAt: Number.POSITIVE_INFINITY });
  }
  for (const { method, key, deliveries } of requests) {
    const version = versions.get(key);
    if (version === undefined) continue;
    for (const { answer } of successes(deliveries)) {
      if (method === "GET") assert.equal(answer.body.sha256, version.sha256, `${key}, read back`);
      if (method === "PUT" || method === "GET") {
        version.knownAt = Math.min(version.knownAt, answer.answeredAt);
      }
    }
  }
  return versions;
}

/** Each pointer that a successful write, or a read, proves to be committed. */
function committedPointers(
  requests: readonly Keyed[],
): ReadonlyMap<string, { pointer: LoggedPointer; sentAt: number; isTold: boolean }> {
  const moves = requests.filter(({ key }) => key === "latest.json");
  const sent = new Map<string, { pointer: LoggedPointer; sentAt: number; isTold: boolean }>();
  for (const { method, body, deliveries, told } of moves) {
    if (method !== "PUT") continue;
    const pointer = parsePointer(body.text);
    const sentAt = Math.min(...deliveries.map((delivery) => delivery.sentAt));
    const before = sent.get(pointer.operation);
    sent.set(pointer.operation, {
      pointer,
      sentAt: Math.min(sentAt, before?.sentAt ?? Number.POSITIVE_INFINITY),
      isTold: told === 200 || before?.isTold === true,
    });
  }
  const committed = new Map<string, { pointer: LoggedPointer; sentAt: number; isTold: boolean }>();
  for (const { method, body, deliveries } of moves) {
    for (const { answer } of successes(deliveries)) {
      if (method !== "PUT" && method !== "GET") continue;
      const { operation } = parsePointer(method === "PUT" ? body.text : answer.body.text);
      const move = sent.get(operation);
      assert.ok(move !== undefined, `a pointer of operation ${operation}, which nobody has sent`);
      committed.set(operation, move);
    }
  }
  return committed;
}

function successes(
  deliveries: readonly Delivery[],
): readonly { readonly answer: NonNullable<Delivery["answer"]> }[] {
  return deliveries.flatMap(({ answer }) => (answer?.status === 200 ? [{ answer }] : []));
}

function parsePointer(text: string | null): LoggedPointer {
  assert.ok(text !== null, "the proxy has to keep the text of latest.json");
  return pointerSchema.parse(JSON.parse(text));
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
