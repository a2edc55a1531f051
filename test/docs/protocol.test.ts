import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { S3Client } from "@aws-sdk/client-s3";
import { ensureProbed } from "../../src/mirror/probe-verdict.ts";
import { originMark } from "../../src/repository/base.ts";
import { readLastDrill } from "../../src/repository/drill-record.ts";
import { readAttested } from "../../src/repository/mirror-record.ts";
import { decodePointer, encodePointer } from "../../src/repository/pointer.ts";
import { readPrunedRecord } from "../../src/repository/pruned-record.ts";
import { readQuarantineReason } from "../../src/repository/quarantine-record.ts";
import { readLastRestore } from "../../src/repository/restore-record.ts";
import { writeVersionMetadata } from "../../src/repository/version-metadata.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { s3Store } from "../../src/store/injected-s3-store.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCli } from "../support/cli.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  swapOnce,
} from "../support/mirror-fixture.ts";
import { RawBucket, RawFolder, type RawStore } from "../support/raw-stores.ts";
import { readCurrent, readHistory, swap } from "../support/second-implementation.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

/** The example under a heading that is a key. */
function exampleOf(key: string): string {
  const [, section = ""] = page.split(`### \`${key}\`\n`);
  const [, example = ""] = /```json\n(.*?)```/s.exec(section.split("\n## ")[0] ?? "") ?? [];
  assert.notEqual(example, "", key);
  return example;
}

/** A folder that holds what the page shows, under the keys that it shows. */
async function shown(...keys: readonly string[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const key of keys) await store.put(key, Buffer.from(exampleOf(key)));
  return store;
}

const ulid = "01M8NAJD8RDG3VG64W1C5FTJ4";
const now = Date.parse("2027-01-01T00:00:00Z");

describe("the examples of docs/protocol.md, read by the product", () => {
  it("the pointer, with and without alsoRestore", () => {
    const pointer = decodePointer(Buffer.from(exampleOf("latest.json")), "the page");
    assert.equal(pointer.sequence, 2);
    const [, also = ""] = page.split("### Funds in limbo\n");
    const [, example = ""] = /```json\n(.*?)```/s.exec(also) ?? [];
    const two = { ...pointer, schema: 2 as const, ...JSON.parse(example) };
    assert.deepEqual(decodePointer(encodePointer(two), "the page"), two);
  });

  it("the mark of the first commit, byte for byte", () => {
    const example = exampleOf("origin.json");
    const at = Date.parse(JSON.parse(example).firstCommitSeenAt);
    assert.equal(Buffer.from(originMark(at)).toString(), example);
  });

  it("the reason of a refusal", async () => {
    const key = `quarantine/${ulid}7.json`;
    const reason = await readQuarantineReason(await shown(key), key);
    assert.equal(reason?.code, "channels-gone");
    assert.equal(reason.base?.sequence, 2);
  });

  it("the record of what was pruned", async () => {
    const record = await readPrunedRecord(await shown("pruned.json"));
    assert.deepEqual(record?.removed, [
      [1, 40],
      [42, 57],
    ]);
  });

  it("a drill, a restore and an attestation", async () => {
    const store = await shown(
      `drills/${ulid}7.json`,
      "restores/01M8NAJK5EFM0QETKHVNNF8T74.json",
      `mirrors/${ulid}A.json`,
    );
    const later = Date.now() + now;
    assert.equal((await readLastDrill(store, later))?.verdict, "would-restore");
    assert.equal((await readLastRestore(store, {}))?.to, "file");
    assert.equal((await readAttested(store, later)).kind, "last");
  });

  it("the probe's verdict: it spares a probe", async () => {
    const store = new MemoryStore();
    const example = JSON.parse(exampleOf("probe/verdict.json"));
    const clock = hastyClock();
    const verdict = { ...example, store: store.location, at: new Date(clock.now()).toISOString() };
    await store.put("probe/verdict.json", Buffer.from(JSON.stringify(verdict)));
    const asked = { store, clock, random: systemRandom, logger: silentLogger };
    await ensureProbed({ ...asked, program: example.program });
    assert.deepEqual(await keysOf(store), ["probe/verdict.json"]);
  });

  it("every name of a version's metadata, and every field of a pointer, is on the page", async () => {
    const previous = { key: "versions/a", sha256: "" };
    const alsoRestore = [
      { key: `versions/${"1".padStart(20, "0")}-${ulid}7.backup`, sha256: null, channelPoints: [] },
    ];
    const names = writeVersionMetadata({
      ...{ operation: ulid, sequence: 1, sha256: "", previous, singleWriter: true, alsoRestore },
      ...{ channelPointsSha256: "", bareChannels: 0 },
    });
    for (const name of Object.keys(names)) assert.ok(page.includes(`\`${name}\``), name);
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    const pointer = JSON.parse(
      Buffer.from((await store.get("latest.json"))?.bytes ?? []).toString(),
    );
    assert.deepEqual(Object.keys(pointer), Object.keys(JSON.parse(exampleOf("latest.json"))));
    for (const name of [...Object.keys(pointer), "alsoRestore"]) {
      assert.ok(page.includes(`| \`${name}\` |`), name);
    }
  });
});

/** One node's folder, as the product and as the second implementation open it. */
interface Ground {
  readonly to: string;
  readonly raw: RawStore;
  readonly store: ObjectStore;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const node = "alice";

function bothImplementations(ground: (name: string) => Promise<Ground>): void {
  const product = async (
    { to, env }: Ground,
    command: string,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly told: Record<string, unknown> }> => {
    const given = ["--to", to, "--node", node, "--json", ...args];
    const { code, stdout, stderr } = await runCli([command, ...given], { env });
    assert.notEqual(stdout, "", stderr);
    return { code, told: JSON.parse(stdout) };
  };

  it("the second reads what the product wrote", async () => {
    const own = await ground("read");
    const demo = ["run", "--from", "demo", "--once", "--to", own.to, "--node", node];
    assert.equal((await runCli(demo, { env: own.env })).code, 0);
    const swapper = makeSwapper(own.store);
    await swapOnce(swapper, packedBytes(3000));
    const late = makeSwapper(own.store);
    const operation = await late.begin(await late.base(), candidateOf(packedBytes(4000)));
    const last = packedBytes(5000);
    await swapOnce(swapper, last);
    await assert.rejects(late.advance(operation), (error) => hasCode(error, "superseded"));

    for (const key of await keysOf(own.store)) {
      const [, place = key] = /^([a-z]+\/)/.exec(key) ?? [];
      assert.ok(page.includes(`| \`${place}`), `${key} is in the page's table`);
    }
    const [current] = await readCurrent(own.raw);
    assert.deepEqual(Buffer.from(current?.bytes ?? []), Buffer.from(last));
    const { told } = await product(own, "list");
    const listed = told["versions"] as { key: string; current: boolean; orphan: boolean }[];
    assert.deepEqual(
      (await readHistory(own.raw)).map(({ key, standing }) => [key, standing]),
      listed.map(({ key, ...is }) => [
        key,
        is.current ? "current" : is.orphan ? "orphan" : "lineage",
      ]),
    );
    assert.equal(listed.filter(({ orphan }) => orphan).length, 1);
  });

  it("the product takes what the second wrote: status, list, verify, restore, run", async () => {
    const own = await ground("write");
    const written = [packedBytes(800), packedBytes(900), packedBytes(1000)];
    for (const packed of written) await swap(own.raw, async () => packed, "the second");

    assert.equal((await product(own, "status")).told["verdict"], "safe");
    const listed = (await product(own, "list")).told["versions"] as { sequence: number }[];
    assert.deepEqual(
      listed.map(({ sequence }) => sequence),
      [3, 2, 1],
    );
    const verified = await product(own, "verify");
    assert.deepEqual(verified.told["problems"], []);
    assert.equal(verified.told["checked"], 3);
    const folder = await mkdtemp(join(tmpdir(), "scb-second-"));
    try {
      const file = join(folder, "channel.backup");
      assert.equal((await product(own, "restore", "-o", file)).code, 0);
      assert.deepEqual(await readFile(file), Buffer.from(written[2] ?? []));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const commit = await swapOnce(makeSwapper(own.store), packedBytes(1100));
    assert.equal(commit.sequence, 4);
    assert.deepEqual(
      (await readHistory(own.raw)).map(({ standing }) => standing),
      [...["current", "lineage", "lineage", "lineage"]],
    );
  });

  it("both write to one folder at once, and no acknowledged swap is lost", async () => {
    const own = await ground("race");
    const each = 8;
    const acknowledged: { readonly key: string; readonly sequence: number }[] = [];
    const ofProduct = async (): Promise<void> => {
      const swapper = makeSwapper(own.store);
      while (acknowledged.filter(({ key }) => mine.has(key)).length < each) {
        try {
          const { key, sequence } = await swapOnce(swapper);
          mine.add(key);
          acknowledged.push({ key, sequence });
        } catch (error) {
          if (!hasCode(error, "superseded", "store-busy")) throw error;
        }
      }
    };
    const mine = new Set<string>();
    const ofSecond = async (): Promise<void> => {
      for (let count = 0; count < each; count += 1) {
        acknowledged.push(await swap(own.raw, async () => packedBytes(), "the second"));
      }
    };
    await Promise.all([ofProduct(), ofSecond()]);

    const sequences = acknowledged.map(({ sequence }) => sequence).sort((a, b) => a - b);
    assert.deepEqual(
      sequences,
      Array.from({ length: 2 * each }, (_, index) => index + 1),
    );
    const lineage = (await readHistory(own.raw)).filter(({ standing }) => standing !== "orphan");
    assert.deepEqual(
      lineage.map(({ key }) => key).sort(),
      acknowledged.map(({ key }) => key).sort(),
    );
    assert.deepEqual((await product(own, "verify")).told["problems"], []);
  });

  it("the second reads an append-only folder, and what else a restore needs", async () => {
    const own = await ground("append-only");
    const swapper = makeSwapper(own.store, { singleWriter: true });
    const first = await swapOnce(swapper);
    const base = await swapper.base();
    assert.ok(base.kind === "newest");
    const also = { key: first.key, sha256: null, channelPoints: [] };
    const needing = { ...base, held: { ...base.held, alsoRestore: [also] } };
    const last = packedBytes();
    await swapper.advance(await swapper.begin(needing, candidateOf(last)));
    const [current, ...others] = await readCurrent(own.raw);
    assert.deepEqual(Buffer.from(current?.bytes ?? []), Buffer.from(last));
    assert.deepEqual(
      others.map(({ key }) => key),
      [first.key],
    );
    const again = swap(own.raw, async () => packedBytes(), "the second");
    await assert.rejects(again, /append-only/);
  });

  it("both carry on what a restore needs besides", async () => {
    const own = await ground("also");
    const swapper = makeSwapper(own.store);
    const first = await swapOnce(swapper);
    const base = await swapper.base();
    assert.ok(base.kind === "pointer");
    const also = { key: first.key, sha256: first.sha256, channelPoints: [`${"ab".repeat(32)}:0`] };
    const needing = { ...base, held: { ...base.held, alsoRestore: [also] } };
    await swapper.advance(await swapper.begin(needing, candidateOf(packedBytes())));
    const of = async (): Promise<readonly string[]> =>
      (await readCurrent(own.raw)).slice(1).map(({ key }) => key);
    assert.deepEqual(await of(), [first.key]);
    await swap(own.raw, async () => packedBytes(), "the second");
    assert.deepEqual(await of(), [first.key]);
    const verified = await product(own, "verify");
    assert.deepEqual(
      (verified.told["also"] as { key: string }[]).map(({ key }) => key),
      [first.key],
    );
    assert.deepEqual(verified.told["problems"], []);
  });

  it("the second recovers from answers that are lost, as the page says", async () => {
    const own = await ground("lost");
    let puts = 0;
    const losing: RawStore = {
      get: (key) => own.raw.get(key),
      list: (prefix) => own.raw.list(prefix),
      put: async (...args) => {
        puts += 1;
        // One lands, and its answer is lost; one never arrives; one is answered.
        if (args[0] === "origin.json" || puts % 3 === 0) return own.raw.put(...args);
        if (puts % 3 === 1) await own.raw.put(...args);
        throw new Error("the connection was reset");
      },
    };
    for (let count = 0; count < 4; count += 1) {
      await swap(losing, async () => packedBytes(), "the second");
    }
    const history = await readHistory(own.raw);
    assert.equal(history.length, 4);
    assert.deepEqual((await product(own, "verify")).told["problems"], []);
  });
}

describe("a second implementation, made from docs/protocol.md alone, in a folder", () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "scb-protocol-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const ground = async (name: string): Promise<Ground> => {
    const path = join(root, name);
    const store = prefixedStore(new FileStore({ root: path }), node);
    return { to: pathToFileURL(path).href, raw: new RawFolder(join(path, node)), store, env: {} };
  };
  bothImplementations(ground);

  it("the second says what is damaged or lost", async () => {
    const { raw, store } = await ground("damaged");
    const { key } = await swap(raw, async () => packedBytes(), "the second");
    await writeFile(join(root, "damaged", node, key), packedBytes());
    await assert.rejects(readCurrent(raw), /is damaged/);
    await store.delete("latest.json");
    const again = swap(raw, async () => packedBytes(), "the second");
    await assert.rejects(again, /the pointer was lost/);
  });

  it("the product finds out a writer that doesn't keep to the page", async () => {
    const { raw, store } = await ground("careless");
    await swap(raw, async () => packedBytes(), "the second");
    const pointer = JSON.parse(Buffer.from((await raw.get("latest.json"))?.bytes ?? []).toString());
    await store.put("latest.json", Buffer.from(JSON.stringify({ ...pointer, sequence: 2 })));
    await assert.rejects(makeSwapper(store).base(), (error) => hasCode(error, "pointer-damaged"));
  });
});

peerSuite("a second implementation, made from docs/protocol.md alone, in MinIO", ["minio"], () => {
  const bucket = "scb-protocol";
  const open: (RawBucket | ObjectStore)[] = [];
  let minio: MinioServer;
  before(async () => {
    minio = await startMinio();
    await minio.createBucket(bucket);
  });
  after(async () => {
    for (const one of open) {
      if (one instanceof RawBucket) one[Symbol.dispose]();
      else await one.close();
    }
    await minio?.[Symbol.asyncDispose]();
  });

  bothImplementations(async (name) => {
    const to = `s3://${bucket}/${name}`;
    const { endpoint, region, accessKeyId, secretAccessKey } = minio;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({
      ...{ endpoint, region, credentials },
      ...{ forcePathStyle: true, maxAttempts: 1 },
    });
    const root = await s3Store({ client, bucket, prefix: name });
    const raw = new RawBucket(minio, bucket, `${name}/${node}/`);
    open.push(root, raw);
    return { to, raw, store: prefixedStore(root, node), env: minio.env() };
  });
});
