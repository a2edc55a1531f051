import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { makeDemoPeer, openDemoChannel } from "../../src/node/demo-channel.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { swapNaming } from "../support/also-restore.ts";
import { cliPath, runCli } from "../support/cli.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { candidateOf, makeSwapper, swapOnce } from "../support/mirror-fixture.ts";
import { assertOneLine } from "../support/one-line.ts";
import { answerAtTerminal } from "../support/pty.ts";

const secret = "ab".repeat(32);
const encrypter = backupKeyEncrypter(Buffer.from(secret, "hex"), systemRandom);

const json = z.object({
  file: z.string().nullable(),
  key: z.string(),
  sequence: z.number(),
  ageSeconds: z.number().nullable(),
  next: z.string(),
  also: z.array(
    z.object({
      file: z.string().nullable(),
      key: z.string(),
      sha256: z.string(),
      channelPoints: z.array(z.string()),
      error: z.string().nullable(),
    }),
  ),
  newest: z.boolean(),
  verdict: z.string(),
  findings: z.array(z.object({ code: z.string() })),
  offered: z.object({ key: z.string(), sequence: z.number(), next: z.string() }).nullable(),
});

describe("restore", () => {
  let folder: string;
  let keyFile: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-restore-"));
    keyFile = join(folder, "key");
    await writeFile(keyFile, secret, { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const someSingle = () =>
    newSingle(openDemoChannel(makeDemoPeer(systemRandom), 500_000, systemRandom));
  const pack = (...singles: readonly ReturnType<typeof someSingle>[]) =>
    packMulti({ version: 0, staticBackups: singles }, encrypter);

  /**
   * A node's folder on a disk, with `limbo` channels that have closed, each in an older version that the
   * pointer names, and `open` ones in the current version. Its clock is `aheadMs` ahead.
   */
  async function world({ limbo = 2, open = 1, aheadMs = 0 } = {}) {
    const path = await mkdtemp(join(folder, "store-"));
    const clock = { ...systemClock, now: () => Date.now() + aheadMs };
    const root = join(path, "store");
    await mkdir(root);
    const store = prefixedStore(new FileStore({ root, logger: silentLogger }), "alice");
    const swapper = makeSwapper(store, { clock, guards: [] });
    const staying = Array.from({ length: open }, someSingle);
    const also: { key: string; sha256: string; channelPoints: string[]; packed: Uint8Array }[] = [];
    for (const single of Array.from({ length: limbo }, someSingle)) {
      const packed = pack(single, ...staying);
      const { key, sha256 } = await swapOnce(swapper, packed);
      also.push({ key, sha256, channelPoints: [formatOutPoint(single.fundingOutpoint)], packed });
    }
    const packed = pack(...staying);
    const named = also.map(({ packed: _, ...reference }) => reference);
    const current = await swapNaming(swapper, named, packed);
    const out = join(path, "channel.backup");
    const to = ["--to", pathToFileURL(root).href];
    return {
      ...{ path, store, swapper, also, current, packed, out, to },
      alsoFile: (number: number) => join(path, `channel.also-${number}.backup`),
      restore: (...args: string[]) => runCli(["restore", ...to, ...args]),
      /** A whole version of the next sequence, whose pointer never moved. */
      strand: async (bytes = pack(...staying, someSingle())) => {
        const faulty = new FaultyStore(store);
        faulty.fail("put", /^latest/, "store-denied");
        const cut = makeSwapper(faulty, { clock, guards: [] });
        const operation = await cut.begin(await swapper.base(), candidateOf(bytes));
        await assert.rejects(cut.advance(operation), { code: "store-denied" });
        return { key: operation.key, sequence: operation.sequence, bytes };
      },
    };
  }

  it("writes all that is needed, for its owner only, and says in which order", async () => {
    const { out, also, packed, alsoFile, restore } = await world();
    const done = await restore("-o", out, "--json", "--key-file", keyFile);
    assert.equal(done.code, 0, done.stderr);
    const fact = json.parse(done.json());
    const files = [out, alsoFile(1), alsoFile(2)];
    const lines = files.map((file) => `lncli restorechanbackup --multi_file=${file}`);
    assert.equal(fact.next, lines.join(" && "));
    assert.deepEqual(
      fact.also,
      also.map(({ packed: _, ...reference }, index) => {
        return { file: files[index + 1], error: null, ...reference };
      }),
    );
    for (const [index, bytes] of [packed, ...also.map((one) => one.packed)].entries()) {
      const file = files[index] ?? "";
      assert.ok((await readFile(file)).equals(bytes));
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
    const text = (await restore("-o", out, "--force")).stdout;
    assert.match(text, new RegExp(`each of these, in this order:\n +${lines.join("\n +")}\n`));
    assert.match(text, new RegExp(`also-1\\.backup: sequence 1, .*${also[0]?.channelPoints[0]}`));
    assert.match(text, /it is the newest version/);
    assert.match(text, /--reset-wallet-transactions.*--recovery_window=2500/s);
  });

  it("writes nothing, if one of the files is there already", async () => {
    const { out, alsoFile, restore } = await world();
    await writeFile(alsoFile(2), "precious");
    assertOneLine(await restore("-o", out), 4, [/channel\.also-2\.backup already exists/]);
    assert.deepEqual([out, alsoFile(1)].map(existsSync), [false, false]);
    assert.equal(await readFile(alsoFile(2), "utf8"), "precious");
  });

  it("skips an empty current backup, with a word", async () => {
    const { out, alsoFile, restore } = await world({ open: 0, limbo: 1 });
    const { stdout, code } = await restore("-o", out);
    assert.equal(code, 0);
    assert.match(stdout, /channel\.backup is empty: no channel was open/);
    assert.doesNotMatch(stdout, /multi_file=\S*channel\.backup/);
    const again = json.parse((await restore("-o", out, "--force", "--json")).json());
    assert.equal(again.next, `lncli restorechanbackup --multi_file=${alsoFile(1)}`);
    const nothing = await world({ open: 0, limbo: 0 });
    const none = json.parse((await nothing.restore("-o", nothing.out, "--json")).json());
    assert.equal(none.next, `lncli restorechanbackup --multi_file=${nothing.out}`);
  });

  it("restores the rest if a version that is needed is gone: loudly, and with exit code 3", async () => {
    const { store, out, also, alsoFile, restore } = await world();
    await store.delete(also[0]?.key ?? "");
    const { code, stdout } = await restore("-o", out);
    assert.equal(code, 3);
    const [point] = also[0]?.channelPoints ?? [];
    assert.match(
      stdout,
      new RegExp(`MISSING: ${also[0]?.key}, for the funds of ${point}: .*there`),
    );
    assert.doesNotMatch(stdout, /it is the newest version/);
    assert.deepEqual([out, alsoFile(1), alsoFile(2)].map(existsSync), [true, false, true]);
    const again = await restore("-o", out, "--json", "--force");
    assert.equal(again.code, 3);
    const fact = json.parse(again.json());
    assert.deepEqual(
      fact.also.map(({ file, error }) => [file, error === null]),
      [
        [null, false],
        [alsoFile(2), true],
      ],
    );
    assert.equal(fact.verdict, "unsafe");
  });

  it("an older version takes with it what is needed today, and says why", async () => {
    const { out, alsoFile, restore, swapper, also } = await world({ limbo: 1 });
    const named = also.map(({ packed: _, ...reference }) => reference);
    await swapNaming(swapper, named, pack(someSingle()));
    const { stdout, code } = await restore("2", "-o", out);
    assert.equal(code, 0);
    assert.match(stdout, /You need them whichever version you restore/);
    assert.match(stdout, /there is 1 newer version/);
    assert.ok(existsSync(alsoFile(1)));
  });

  it("on stdout gives the one version, and on stderr what else is needed", async () => {
    const { packed, also, restore, path, to } = await world({ limbo: 1 });
    const done = await restore("-o", "-");
    assert.ok(done.stdoutBytes.equals(packed));
    assert.equal(done.code, 3);
    const key = also[0]?.key ?? "";
    assert.match(
      done.stderr,
      new RegExp(`${key} is also needed.*scb-mirror restore ${key} --to \\S+ --output FILE`),
    );
    const args = ["restore", key, ...to, "-o", join(path, "fetched")];
    assert.equal((await runCli(args)).code, 0);
    assert.ok((await readFile(join(path, "fetched"))).equals(also[0]?.packed ?? Buffer.alloc(0)));
    assert.deepEqual((await readdir(path)).sort(), ["fetched", "store"]);
  });

  it("names a whole version beyond the pointer, and never takes it by itself", async () => {
    const { out, packed, strand, restore } = await world({ limbo: 0 });
    const left = await strand();
    const { code, stdout } = await restore("-o", out);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /it is the newest version/);
    assert.match(stdout, new RegExp(`sequence ${left.sequence} is intact and newer`));
    const line = new RegExp(`scb-mirror restore ${left.key} --to file://\\S+ --output ${out}`);
    assert.match(stdout, line);
    assert.ok((await readFile(out)).equals(packed));
    const fact = json.parse((await restore("-o", out, "--force", "--json")).json());
    assert.deepEqual([fact.newest, fact.offered?.key], [false, left.key]);
    const taken = await restore(left.key, "-o", out, "--force");
    assert.equal(taken.code, 0);
    assert.doesNotMatch(taken.stdout, /it is the newest version/);
    assert.ok((await readFile(out)).equals(left.bytes));
  });

  it("the kit calls the current one the newest only if nothing lies beyond it", async () => {
    const { strand, to, also } = await world({ limbo: 1 });
    const kit = async () => (await runCli(["kit", "--text", "-o", "-", ...to])).stdout;
    const before = await kit();
    assert.match(before, /Newest when printed: +sequence 2/);
    assert.ok(before.includes(`A="${also[0]?.key}"`));
    await strand();
    assert.match(await kit(), /Current when printed: +sequence 2/);
  });

  for (const [answer, isTaken] of [
    ["y", true],
    ["n", false],
  ] as const) {
    it(`asks at a terminal whether to take it: ${answer}`, async () => {
      const { out, to, packed, strand } = await world({ limbo: 0 });
      const left = await strand();
      const program = [process.execPath, cliPath, "restore", ...to, "-o", out];
      const command = ["sh", "-c", 'stty cols 120 && exec "$@"', "sh", ...program];
      const prompt = /Take the newer one instead\?/;
      await answerAtTerminal(command, [{ prompt, text: answer }], { timeoutMs: 60_000 });
      assert.ok((await readFile(out)).equals(isTaken ? left.bytes : packed));
    });
  }

  it("offers a version beyond the pointer first, if the current one is damaged", async () => {
    const { out, store, current, also, strand, restore } = await world();
    const left = await strand();
    const { metadata } = (await store.get(current.key)) ?? { metadata: {} };
    await store.put(current.key, pack(someSingle()), { metadata });
    assertOneLine(await restore("-o", out), 1, [
      /not the ones that were saved/,
      new RegExp(
        `newest intact version is sequence ${left.sequence}, saved .* never became current`,
      ),
      new RegExp(`scb-mirror restore ${left.key} --to`),
    ]);
    assert.equal(existsSync(out), false);
    const taken = json.parse((await restore(left.key, "-o", out, "--json")).json());
    assert.deepEqual(
      taken.also.map(({ key }) => key),
      also.map(({ key }) => key),
    );
  });

  it("believes no time that is later than now", async () => {
    const { out, restore } = await world({ limbo: 0, aheadMs: 2 * 365 * 86_400_000 });
    // The folder's own clock is right, as an object store's is.
    const { stdout } = await restore("-o", out);
    assert.doesNotMatch(stdout, /it is the newest version/);
    assert.match(stdout, /clock was ahead/);
    const fact = json.parse((await restore("-o", out, "--force", "--json")).json());
    assert.ok(fact.ageSeconds !== null && fact.ageSeconds < 600);
  });

  it("gives no age to what claims to be saved later than now, by every clock", async () => {
    const aheadMs = 2 * 365 * 86_400_000;
    const { path, out, restore } = await world({ limbo: 0, aheadMs });
    const then = new Date(Date.now() + aheadMs);
    const folders = { recursive: true, withFileTypes: true } as const;
    for (const entry of await readdir(join(path, "store"), folders)) {
      if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
    }
    const { stdout } = await restore("-o", out);
    assert.match(stdout, /claims to be saved at .* in the future: a clock was wrong/);
    assert.doesNotMatch(stdout, /saved 0 s ago|it is the newest version/);
    const fact = json.parse((await restore("-o", out, "--force", "--json")).json());
    assert.deepEqual([fact.ageSeconds, fact.newest], [null, false]);
  });
});
