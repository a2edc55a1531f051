import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { InspectBackup } from "../../src/chanbackup/backup-contents.ts";
import type { Snapshot } from "../../src/chanbackup/snapshot.ts";
import { LndAndFileSource } from "../../src/node/lnd-and-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { lndError, point } from "./fake-lnd.ts";
import { fakeSetup, quick } from "./fake-node.ts";
import { Follower, until } from "./source-probe.ts";

const [a, b, c, d] = [point(1), point(2), point(3), point(4)];

async function bothSetup(inspect?: InspectBackup, rewriteWaitMs = 100) {
  const fake = await fakeSetup();
  const path = join(fake.folder, "channel.backup");
  const source = new LndAndFileSource({
    ...quick,
    node: fake.node({ timing: { callTimeoutMs: 1_000 } }),
    path,
    inspect,
    observer: fake.heard,
    clock: systemClock,
    random: systemRandom,
    pollIntervalMs: 50,
    settleMs: 20,
    rewriteWaitMs,
  });
  const putFile = async (bytes: Uint8Array): Promise<Uint8Array> => {
    await writeFile(`${path}.new`, bytes);
    await rename(`${path}.new`, path);
    return bytes;
  };
  return {
    ...fake,
    path,
    source,
    putFile,
    /** lnd writes a file with these channels. */
    write: (points: readonly string[]) => putFile(fake.lnd.pack(points)),
    async [Symbol.asyncDispose]() {
      await source.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

interface Rule {
  readonly name: string;
  readonly exported: readonly string[];
  readonly file: readonly string[];
  readonly open?: readonly string[];
  readonly pendingOpen?: readonly string[];
  readonly taken: "file" | "export";
  /** How many channels the file should have and lacks, which is trouble. */
  readonly lacking?: number;
}

const rules: readonly Rule[] = [
  { name: "equal channels", exported: [a, b], file: [a, b], taken: "file" },
  { name: "no channels at all", exported: [], file: [], taken: "file" },
  {
    name: "a channel that was force closed here: the file still has it",
    exported: [a],
    file: [a, b],
    taken: "file",
  },
  {
    name: "a channel that was closed together: the export still has it",
    exported: [a, b],
    file: [a],
    taken: "export",
  },
  {
    name: "a restored node: its file is empty",
    exported: [a, b],
    file: [],
    taken: "export",
  },
  {
    name: "one of each kind, and the file has all that is open",
    exported: [a, b, c],
    file: [a, b, d],
    open: [a],
    pendingOpen: [b],
    taken: "file",
  },
  {
    name: "one of each kind, and the file lacks an open one",
    exported: [a, c],
    file: [a, d],
    open: [a, c],
    taken: "export",
    lacking: 1,
  },
  {
    name: "one of each kind, and the file lacks one that is about to open",
    exported: [a, c],
    file: [a, d],
    open: [a],
    pendingOpen: [c],
    taken: "export",
    lacking: 1,
  },
  {
    name: "an old file, that lnd doesn't write any more",
    exported: [a, b, c],
    file: [a],
    open: [a, b, c],
    taken: "export",
    lacking: 2,
  },
  {
    name: "a channel that opened since the export, and since the file was read",
    exported: [a, b],
    file: [a, d],
    open: [a, c],
    taken: "export",
  },
];

describe("lnd and its file: which one is the snapshot", () => {
  for (const { name, exported, file, open = [], pendingOpen = [], taken, lacking } of rules) {
    it(`${name}: the ${taken}`, async () => {
      await using setup = await bothSetup();
      Object.assign(setup.lnd, { channelPoints: exported, open, pendingOpen });
      const bytes = await setup.write(file);
      const snapshot = await setup.source.snapshot("channel-event");
      assert.deepEqual(snapshot.channelPoints, taken === "file" ? file : exported);
      assert.equal(Buffer.from(snapshot.packed).equals(bytes), taken === "file");
      assert.equal(snapshot.verifiedBy, "lnd");
      assert.equal(snapshot.reason, "channel-event");
      const [trouble, ...more] = setup.heard.troubles;
      assert.deepEqual([trouble?.code, more], [lacking === undefined ? undefined : "io", []]);
      const says = `lacks ${lacking} of the channels that lnd has open`;
      assert.ok(trouble === undefined || trouble.message.includes(says), trouble?.message);
    });
  }

  it("a file that lnd rewrites a moment later: the new file", async () => {
    await using setup = await bothSetup(undefined, 2_000);
    setup.lnd.channelPoints = [a, b];
    await setup.write([a]);
    const taking = setup.source.snapshot("channel-event");
    await until("the export", () => setup.lnd.calls.includes("ExportAllChannelBackups"));
    setTimeout(() => void setup.write([a, b, c]), 60);
    assert.deepEqual((await taking).channelPoints, [a, b, c]);
  });

  it("a file that lnd opens: bare is what lnd calls restored", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a, b];
    setup.lnd.waitingClose.set(b, "ChanStatusRestored");
    await setup.write([a, b, c]);
    const snapshot = await setup.source.snapshot("start");
    assert.deepEqual([snapshot.channelPoints, snapshot.bareChannelPoints], [[a, b, c], [b]]);
  });

  for (const { name, file } of [
    { name: "the file", file: [a, b] },
    { name: "the export", file: [] },
  ]) {
    it(`${name}, with what lnd says is in limbo`, async () => {
      await using setup = await bothSetup();
      setup.lnd.channelPoints = [a];
      setup.lnd.forceClosing = [b];
      await setup.write(file);
      const { channelPoints, limbo } = await setup.source.snapshot("start");
      assert.deepEqual(channelPoints, file.length === 0 ? [a] : file);
      assert.deepEqual(limbo, [{ channelPoint: b, limboSat: 0, maturityHeight: null }]);
    });
  }

  it("a file that lacks a channel which has closed since the export: limbo has it", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a, b];
    setup.lnd.forceClosing = [c];
    await setup.write([a, c]);
    const taking = setup.source.snapshot("start");
    const pendingCalls = () => setup.lnd.calls.filter((call) => call === "PendingChannels");
    await until("the export", () => pendingCalls().length === 2);
    Object.assign(setup.lnd, { open: [a], forceClosing: [b, c] });
    const { channelPoints, limbo } = await taking;
    assert.deepEqual(channelPoints, [a, c]);
    assert.deepEqual(
      limbo?.map(({ channelPoint }) => channelPoint),
      [b, c],
    );
  });

  it("a file that is opened with a key", async () => {
    const seen: string[] = [];
    await using setup = await bothSetup(async (packed) => {
      seen.push(Buffer.from(packed).toString("hex"));
      return { channelPoints: [a, b], bareChannelPoints: [b], verifiedBy: "key" };
    });
    setup.lnd.channelPoints = [a];
    const bytes = await setup.putFile(new Uint8Array(randomBytes(600)));
    const snapshot = await setup.source.snapshot("start");
    assert.equal(snapshot.verifiedBy, "key");
    assert.deepEqual([snapshot.bareChannelPoints, snapshot.limbo], [[b], []]);
    assert.deepEqual(seen, [Buffer.from(bytes).toString("hex")]);
  });
});

describe("lnd and its file: when one of them fails", () => {
  const badFiles: Record<string, { bytes: Uint8Array | null; code: string }> = {
    "is of another node": { bytes: new Uint8Array(randomBytes(700)), code: "decrypt" },
    "is cut off": { bytes: new Uint8Array(randomBytes(30)), code: "decode" },
    "is missing": { bytes: null, code: "io" },
  };
  for (const [name, { bytes, code }] of Object.entries(badFiles)) {
    it(`a file that ${name} is told, and the export taken`, async () => {
      await using setup = await bothSetup();
      setup.lnd.channelPoints = [a];
      if (bytes !== null) await setup.putFile(bytes);
      const snapshot = await setup.source.snapshot("start");
      assert.deepEqual(snapshot.channelPoints, [a]);
      assert.ok(setup.lnd.known.has(Buffer.from(snapshot.packed).toString("hex")));
      assert.deepEqual(
        setup.heard.troubles.map((error) => error.code),
        [code],
      );
      assert.match(setup.heard.troubles[0]?.message ?? "", /channel\.backup/);
      const good = await setup.write([a]);
      assert.deepEqual((await setup.source.snapshot("start")).packed, good);
      assert.equal(setup.heard.recoveries, 1);
    });
  }

  it("a file that is behind stays out when lnd goes, until lnd or anyone has written it", async () => {
    await using setup = await bothSetup();
    Object.assign(setup.lnd, { channelPoints: [a, b], open: [a, b] });
    await setup.write([a]);
    assert.deepEqual((await setup.source.snapshot("start")).channelPoints, [a, b]);
    await setup.lnd.stop();
    for (const _ of [1, 2]) {
      await assert.rejects(setup.source.snapshot("refresh"), { code: "node-unavailable" });
    }
    assert.match(setup.heard.troubles.at(-1)?.message ?? "", /channel\.backup: .*waiting for lnd/);
    assert.equal(setup.heard.recoveries, 0);
    const bytes = await setup.write([a, b]);
    assert.deepEqual((await setup.source.snapshot("file-changed")).packed, bytes);
    assert.equal(setup.heard.recoveries, 1);
  });

  it("a file that was behind is good once lnd exports no more than it has", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a, b];
    const bytes = await setup.write([a]);
    assert.deepEqual((await setup.source.snapshot("start")).channelPoints, [a, b]);
    setup.lnd.channelPoints = [a];
    assert.deepEqual((await setup.source.snapshot("channel-event")).packed, bytes);
    await setup.lnd.stop();
    assert.deepEqual((await setup.source.snapshot("refresh")).packed, bytes);
    assert.deepEqual(setup.heard.troubles, []);
  });

  it("an old file is as young as lnd's word for it, and old again without lnd", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a];
    await setup.write([a]);
    await utimes(setup.path, 1_700_000_000, 1_700_000_000);
    const before = Date.now();
    assert.ok((await setup.source.snapshot("start")).takenAt >= before);
    await setup.lnd.stop();
    assert.equal((await setup.source.snapshot("refresh")).takenAt, 1_700_000_000_000);
  });

  it("a list of channels that is refused is told, and the export taken", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a, c];
    setup.lnd.failures.set("ListChannels", lndError("permission denied"));
    await setup.write([a, d]);
    assert.deepEqual((await setup.source.snapshot("start")).channelPoints, [a, c]);
    assert.equal(setup.heard.troubles[0]?.code, "node-denied");
  });

  it("an lnd that is away leaves the file, unverified", async () => {
    await using setup = await bothSetup();
    const bytes = await setup.write([a]);
    await setup.lnd.stop();
    const { takenAt, reason, ...told } = await setup.source.snapshot("file-changed");
    const nothing = { channelPoints: null, bareChannelPoints: null, limbo: null, verifiedBy: null };
    assert.deepEqual(told, { packed: bytes, ...nothing });
  });

  it("an lnd that is away leaves the file, verified with the key", async () => {
    await using setup = await bothSetup(() =>
      Promise.resolve({ channelPoints: [a], bareChannelPoints: [], verifiedBy: "key" as const }),
    );
    await setup.write([a]);
    await setup.lnd.stop();
    const snapshot: Snapshot = await setup.source.snapshot("file-changed");
    assert.equal(snapshot.verifiedBy, "key");
  });

  it("an lnd that is away and a file that the key does not open leave nothing", async () => {
    await using setup = await bothSetup(() =>
      Promise.reject(new ScbError("decrypt", "another seed")),
    );
    await setup.putFile(new Uint8Array(randomBytes(700)));
    await setup.lnd.stop();
    await assert.rejects(setup.source.snapshot("start"), { code: "node-unavailable" });
    assert.deepEqual(
      setup.heard.troubles.map(({ code }) => code),
      ["decrypt"],
    );
  });

  it("an lnd whose export fails, but which can open the file, leaves the file", async () => {
    await using setup = await bothSetup();
    setup.lnd.channelPoints = [a];
    setup.lnd.cutOffBytes = 5;
    const bytes = await setup.write([a]);
    const snapshot = await setup.source.snapshot("start");
    assert.deepEqual([snapshot.packed, snapshot.verifiedBy], [bytes, "lnd"]);
    await setup.putFile(new Uint8Array(randomBytes(700)));
    await assert.rejects(setup.source.snapshot("start"), { code: "decode" });
  });

  it("another node at lnd's address leaves nothing, whoever can open the file", async () => {
    await using setup = await bothSetup(() =>
      Promise.resolve({ channelPoints: [a], bareChannelPoints: [], verifiedBy: "key" as const }),
    );
    await setup.write([a]);
    await setup.source.identify();
    setup.lnd.pubkey = `03${"cd".repeat(32)}`;
    await setup.lnd.stop();
    assert.equal((await setup.source.snapshot("start")).verifiedBy, "key");
    await setup.lnd.start();
    await assert.rejects(setup.source.snapshot("start"), { code: "wrong-node" });
  });

  it("stops at once when it is told to", async () => {
    await using setup = await bothSetup(undefined, 10_000);
    setup.lnd.channelPoints = [a, b];
    await setup.write([a]);
    const abort = new AbortController();
    const taking = setup.source.snapshot("start", abort.signal);
    setTimeout(() => abort.abort(), 150);
    await assert.rejects(taking, { code: "aborted" });
    assert.deepEqual(setup.heard.troubles, []);
  });
});

describe("lnd and its file: changes", () => {
  it("come from either, and trouble of either is told", async () => {
    await using setup = await bothSetup();
    await setup.write([a]);
    await using follower = new Follower(setup.source);
    await until("the stream", () => setup.lnd.streams.size === 1);
    await until("the follow-up", () => follower.reasons.includes("follow-up"));
    // Nothing says when the file was first read: only a change after that is one.
    for (let writes = 0; writes < 100; writes += 1) {
      await setup.write([a, b]);
      await delay(100);
      if (follower.reasons.includes("file-changed")) break;
    }
    assert.ok(follower.reasons.includes("file-changed"));
    for (const stream of setup.lnd.streams) stream.push();
    await until("lnd's event", () => follower.reasons.includes("channel-event"));
    assert.deepEqual(setup.heard.troubles, []);

    await setup.lnd.stop();
    await rm(setup.path);
    await until("both troubles", () => {
      const codes = setup.heard.troubles.map(({ code }) => code);
      return codes.includes("io") && codes.includes("node-unavailable");
    });
    const count = () => follower.reasons.filter((reason) => reason === "follow-up").length;
    const before = count();
    await setup.lnd.start();
    await until("lnd's return", () => count() > before);
    assert.ok(follower.reasons.includes("reconnected"));
    assert.equal(setup.heard.recoveries, 0, "the file is still missing");
    await setup.write([a]);
    await until("the recovery", () => setup.heard.recoveries === 1);
  });

  it("end when the source is closed", async () => {
    await using setup = await bothSetup();
    await using _follower = new Follower(setup.source);
    await until("the stream", () => setup.lnd.streams.size === 1);
    await setup.source.close();
    await setup.source.close();
    await until("the stream's end", () => setup.lnd.streams.size === 0);
  });
});
