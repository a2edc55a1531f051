import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newSingle } from "../chanbackup/new-single.ts";
import { type PackedMulti, packMulti } from "../chanbackup/packed-multi.ts";
import type { Single } from "../chanbackup/single.ts";
import type { Swapper } from "../chanbackup/swapper.ts";
import { backupKeyEncrypter, type Encrypter } from "../keychain/encrypter.ts";
import { demoChannel } from "../node/demo-channel.ts";
import { systemRandom } from "../runtime/random.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import { codeOf, rejectsWith } from "./object-store-helpers.ts";

/** A fresh place for one backup: a new folder, a new table, a new bucket. */
export interface SwapperGround extends AsyncDisposable {
  /** A new handle on it, as another process would have. Disposing of the ground closes it. */
  open(): Promise<Swapper>;
}

/** One promise of `Swapper`. `run` rejects if the swapper breaks it. */
export interface SwapperCheck {
  readonly name: string;
  run(open: () => Promise<Swapper>, encrypter: Encrypter): Promise<void>;
}

/** Far more than a check takes if the place answers. */
const checkTimeoutMs = 120_000;

const singles = (count: number): Single[] =>
  Array.from({ length: count }, () => newSingle(demoChannel()));

const pointsOf = (channels: readonly Single[]): string[] =>
  channels.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint)).sort();

function pack(channels: readonly Single[], encrypter: Encrypter): PackedMulti {
  return packMulti({ version: 0, staticBackups: channels }, encrypter);
}

/** The saved channel points; null if there is no backup. */
async function extract(swapper: Swapper, encrypter: Encrypter): Promise<string[] | null> {
  const multi = await swapper.extractMulti(encrypter);
  return multi && pointsOf(multi.staticBackups);
}

/** Saves `channels` right after reading the backup. */
async function save(swapper: Swapper, encrypter: Encrypter, channels: readonly Single[]) {
  await swapper.extractMulti(encrypter);
  await swapper.updateAndSwap(pack(channels, encrypter));
}

/** Every promise of `Swapper`, as a table, so that a test can break each of them. */
export const swapperChecks: readonly SwapperCheck[] = [
  {
    name: "there is no backup at first, and saving one makes it current for everybody",
    async run(open, encrypter) {
      const [swapper, other] = [await open(), await open()];
      const channels = singles(3);
      assert.equal(await extract(swapper, encrypter), null);
      await swapper.updateAndSwap(pack(channels, encrypter));
      for (const handle of [swapper, other, await open()]) {
        assert.deepEqual(await extract(handle, encrypter), pointsOf(channels));
      }
    },
  },
  {
    name: "a swap replaces the backup whole",
    async run(open, encrypter) {
      const swapper = await open();
      const channels = singles(4);
      for (const count of [1, 4, 2]) {
        await save(swapper, encrypter, channels.slice(0, count));
        assert.deepEqual(
          await extract(await open(), encrypter),
          pointsOf(channels.slice(0, count)),
        );
      }
    },
  },
  {
    name: "a thousand channels come back as they went in",
    async run(open, encrypter) {
      const [some] = singles(1);
      assert.ok(some);
      const channels = Array.from({ length: 1_000 }, () => ({
        ...some,
        fundingOutpoint: { txid: systemRandom.bytes(32), index: 0 },
      }));
      await save(await open(), encrypter, channels);
      assert.deepEqual(await extract(await open(), encrypter), pointsOf(channels));
    },
  },
  {
    name: "the bytes that were given may be changed once they are saved",
    async run(open, encrypter) {
      const swapper = await open();
      const channels = singles(2);
      const packed = pack(channels, encrypter);
      await swapper.extractMulti(encrypter);
      await swapper.updateAndSwap(packed);
      packed.fill(0);
      const saved = await extract(swapper, encrypter).catch(String);
      assert.deepEqual(saved, pointsOf(channels));
    },
  },
  {
    name: "without an extract before it a swap is superseded, and changes nothing",
    async run(open, encrypter) {
      const channels = singles(3);
      await save(await open(), encrypter, channels);
      const swapper = await open();
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const swapping = swapper.updateAndSwap(pack(channels.slice(1), encrypter));
        await rejectsWith("superseded", swapping);
      }
      assert.deepEqual(await extract(await open(), encrypter), pointsOf(channels));
    },
  },
  {
    name: "one extract is good for one swap: the next is superseded, and changes nothing",
    async run(open, encrypter) {
      const swapper = await open();
      const channels = singles(3);
      await save(swapper, encrypter, channels);
      await rejectsWith("superseded", swapper.updateAndSwap(pack(channels.slice(1), encrypter)));
      assert.deepEqual(await extract(await open(), encrypter), pointsOf(channels));
    },
  },
  {
    name: "of two who extracted the same backup the second is superseded, and so is its next try",
    async run(open, encrypter) {
      const [one, other] = [await open(), await open()];
      const [common, ours, theirs] = singles(3);
      assert.ok(common && ours && theirs);
      await save(one, encrypter, [common]);
      await one.extractMulti(encrypter);
      await other.extractMulti(encrypter);
      await one.updateAndSwap(pack([common, ours], encrypter));
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const swapping = other.updateAndSwap(pack([common, theirs], encrypter));
        await rejectsWith("superseded", swapping);
      }
      assert.deepEqual(await extract(other, encrypter), pointsOf([common, ours]));
      await other.updateAndSwap(pack([common, ours, theirs], encrypter));
      assert.deepEqual(await extract(one, encrypter), pointsOf([common, ours, theirs]));
    },
  },
  {
    name: "two users of one handle don't replace each other's backup",
    async run(open, encrypter) {
      const swapper = await open();
      const [common, ours, theirs] = singles(3);
      assert.ok(common && ours && theirs);
      await save(swapper, encrypter, [common]);
      await swapper.extractMulti(encrypter);
      await swapper.extractMulti(encrypter);
      await swapper.updateAndSwap(pack([common, ours], encrypter));
      const late = await codeOf(swapper.updateAndSwap(pack([common, theirs], encrypter)));
      assert.equal(late, "superseded");
      assert.deepEqual(await extract(swapper, encrypter), pointsOf([common, ours]));
    },
  },
  {
    name: "of many who swap at once at most one gets through, and its backup is the current one",
    async run(open, encrypter) {
      const [common, ...channels] = singles(6);
      assert.ok(common);
      await save(await open(), encrypter, [common]);
      for (let round = 0; round < 3; round += 1) {
        const handles = await Promise.all(channels.map(() => open()));
        for (const handle of handles) await handle.extractMulti(encrypter);
        const codes = await Promise.all(
          handles.map((handle, at) =>
            codeOf(handle.updateAndSwap(pack([common, ...channels.slice(at)], encrypter))),
          ),
        );
        const winners = codes.flatMap((code, at) => (code === null ? [at] : []));
        assert.ok(winners.length <= 1, `${winners.length} swaps got through`);
        const [winner] = winners;
        if (winner === undefined) continue;
        const saved = pointsOf([common, ...channels.slice(winner)]);
        assert.deepEqual(await extract(await open(), encrypter), saved);
      }
    },
  },
  {
    name: "another key can't open the backup, and changes nothing",
    async run(open, encrypter) {
      const channels = singles(2);
      await save(await open(), encrypter, channels);
      const other = backupKeyEncrypter(systemRandom.bytes(32));
      await rejectsWith("decrypt", (await open()).extractMulti(other));
      assert.deepEqual(await extract(await open(), encrypter), pointsOf(channels));
    },
  },
  {
    name: "a signal that has aborted ends each call with aborted, and nothing is lost",
    async run(open, encrypter) {
      const swapper = await open();
      const channels = singles(2);
      await save(swapper, encrypter, channels);
      const signal = AbortSignal.abort();
      assert.equal(await codeOf(swapper.extractMulti(encrypter, signal)), "aborted");
      await swapper.extractMulti(encrypter);
      const swapping = swapper.updateAndSwap(pack(channels, encrypter), signal);
      assert.equal(await codeOf(swapping), "aborted");
      assert.deepEqual(await extract(await open(), encrypter), pointsOf(channels));
    },
  },
  {
    name: "extractBase, if there is one, fixes a base: onto a newer backup its swap is superseded",
    async run(open, encrypter) {
      const [swapper, other] = [await open(), await open()];
      if (swapper.extractBase === undefined) return;
      const channels = singles(3);
      await save(swapper, encrypter, channels.slice(0, 1));
      const base = await swapper.extractBase(encrypter);
      assert.deepEqual(base && pointsOf(base.staticBackups), pointsOf(channels.slice(0, 1)));
      await save(other, encrypter, channels);
      await rejectsWith("superseded", swapper.updateAndSwap(pack(channels.slice(0, 2), encrypter)));
      assert.deepEqual(await extract(other, encrypter), pointsOf(channels));
    },
  },
  {
    name: "look and held, if there are any, tell what was saved last",
    async run(open, encrypter) {
      const [swapper, other] = [await open(), await open()];
      const channels = singles(2);
      await save(swapper, encrypter, channels.slice(0, 1));
      const first = swapper.held;
      for (const depth of ["pointer", "version"] as const) {
        const found = await swapper.look?.(depth);
        assert.ok(found === undefined || found.kind === "confirmed", `${depth}: not confirmed`);
      }
      await save(other, encrypter, channels);
      const code = swapper.look === undefined ? null : await codeOf(swapper.look("version"));
      assert.ok(
        swapper.look === undefined || code === "superseded",
        "another's backup is confirmed",
      );
      await swapper.extractMulti(encrypter);
      if (first === undefined) return;
      assert.ok(first !== null && swapper.held != null, "held is null though there is a backup");
      assert.notEqual(swapper.held.id, first.id, "two backups have one id");
      const ageMs = Date.now() - swapper.held.savedAt;
      assert.ok(Math.abs(ageMs) < 3_600_000, "savedAt is no time in milliseconds since 1970");
    },
  },
];

/** Runs one check on a fresh ground, with its own key. */
export async function runSwapperCheck(
  check: SwapperCheck,
  newGround: (encrypter: Encrypter) => Promise<SwapperGround>,
): Promise<void> {
  const encrypter = backupKeyEncrypter(systemRandom.bytes(32));
  await using ground = await newGround(encrypter);
  await check.run(() => ground.open(), encrypter);
}

/** Registers the suite with node:test for one implementation, which receives the key of its backups. */
export function swapperSuite(
  name: string,
  newGround: (encrypter: Encrypter) => Promise<SwapperGround>,
): void {
  describe(`${name} keeps the promises of Swapper`, () => {
    for (const check of swapperChecks) {
      it(check.name, { timeout: checkTimeoutMs }, () => runSwapperCheck(check, newGround));
    }
  });
}
