import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Exchange } from "../peers/fault-proxy/exchange.ts";
import { type LineageEntry, sha256 } from "./bucket.ts";
import { type AuditInput, auditSwaps } from "./swap-audit.ts";

const root = "/bucket/node/";
const contents = new Map([1, 2, 3].map((n) => [n, Buffer.from(`version ${n}`)]));
const keyOf = (n: number): string => `versions/${n}.backup`;
const bytesOf = (n: number): Buffer => contents.get(n) ?? Buffer.alloc(0);
const named = (n: number) => ({ key: keyOf(n), sha256: sha256(bytesOf(n)) });

function put(key: string, body: Buffer, at: number, fields: Partial<Exchange> = {}): Exchange {
  const logged = { sizeBytes: body.length, sha256: sha256(body), text: body.toString() };
  const nothing = { sizeBytes: 0, sha256: sha256(Buffer.alloc(0)), text: "" };
  const answer = { answeredAt: at + 1, status: 200, etag: '"x"', body: nothing };
  return {
    ...{ number: at, method: "PUT", path: `${root}${key}`, query: "", atMs: at, told: 200 },
    ...{ ifMatch: null, ifNoneMatch: "*", body: logged, fault: { kind: "pass" } },
    deliveries: [{ sentAt: at, isCut: false, answer }],
    ...fields,
  };
}

const version = (n: number, at: number, fields?: Partial<Exchange>): Exchange =>
  put(keyOf(n), bytesOf(n), at, fields);

function pointer(n: number, at: number, fields: Partial<Exchange> = {}, sequence = n): Exchange {
  const content = {
    sequence,
    version: { ...named(n), size: bytesOf(n).length },
    previous: n === 1 ? null : named(n - 1),
    operation: `operation ${n}`,
  };
  const condition = n === 1 ? {} : { ifMatch: '"x"', ifNoneMatch: null };
  const body = Buffer.from(JSON.stringify(content));
  return put("latest.json", body, at, { ...condition, ...fields });
}

/** A bucket in which versions 1 to 3 are current, one after the other. */
const bucket: AuditInput["bucket"] = {
  name: "bucket",
  current: () =>
    Promise.resolve({
      pointer: { sequence: 3, version: { ...named(3), size: bytesOf(3).length } },
      ...{ pointerEtag: "", bytes: bytesOf(3) },
    }),
  lineage: () => Promise.resolve([3, 2, 1].map((n) => ({ ...named(n), sequence: n }))),
  get: (key) =>
    Promise.resolve({
      ...{ bytes: bytesOf(Number(/(\d)\.backup/.exec(key)?.[1])), etag: "", metadata: {} },
    }),
};
const acknowledged: readonly LineageEntry[] = [1, 3].map((n) => ({ ...named(n), sequence: n }));
const right: readonly Exchange[] = [
  ...[version(1, 0), pointer(1, 10), version(2, 20), pointer(2, 30, { told: "reset" })],
  ...[version(3, 40), pointer(3, 50)],
];
const other = (n: number) => ({ sizeBytes: 1, sha256: "0".repeat(64), text: `${n}` });

describe("auditSwaps", () => {
  it("finds nothing wrong with what is right", async () => {
    const input = { exchanges: right, bucket, folder: "node", acknowledged };
    const { commits, commitsUntold, versions } = await auditSwaps(input);
    assert.deepEqual(
      { commits, commitsUntold, versions },
      { commits: 3, commitsUntold: 1, versions: 3 },
    );
  });

  const wrong: Readonly<Record<string, [RegExp, Partial<AuditInput>]>> = {
    "a swap that is lost": [
      /1 of 1 acknowledged swaps are lost/,
      { acknowledged: [{ key: "versions/9.backup", sequence: 2, sha256: "" }] },
    ],
    "a pointer before its version": [
      /named before it was known/,
      { exchanges: [...right.slice(0, 4), version(3, 60), pointer(3, 50)] },
    ],
    "a pointer to a version that was never stored": [
      /named, and never written/,
      { exchanges: right.filter(({ path }) => !path.endsWith("2.backup")) },
    ],
    "a version other than its pointer says": [
      /as it was named/,
      { exchanges: right.with(2, version(2, 20, { body: other(2) })) },
    ],
    "two byte strings for one key": [
      /two byte strings/,
      { exchanges: [...right, version(2, 70, { body: other(2) })] },
    ],
    "two commits of one sequence": [
      /two commits of sequence 2/,
      { exchanges: right.with(5, pointer(3, 50, {}, 2)) },
    ],
    "a commit that nobody saw": [
      /one commit for each sequence/,
      { exchanges: right.with(3, pointer(2, 30, { deliveries: [] })) },
    ],
    "a pointer without a condition": [
      /without a condition/,
      { exchanges: right.with(3, pointer(2, 30, { ifMatch: null })) },
    ],
    "a version that could have been overwritten": [
      /could have been overwritten/,
      { exchanges: right.with(2, version(2, 20, { ifMatch: '"x"', ifNoneMatch: null })) },
    ],
    "a delete": [/was deleted/, { exchanges: [...right, version(2, 70, { method: "DELETE" })] }],
  };
  for (const [name, [message, input]] of Object.entries(wrong)) {
    it(`finds ${name}`, async () => {
      const audit = auditSwaps({
        exchanges: right,
        bucket,
        folder: "node",
        acknowledged,
        ...input,
      });
      await assert.rejects(audit, message);
    });
  }
});
