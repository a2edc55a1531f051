import assert from "node:assert/strict";
import type { ErrorCode } from "../runtime/error.ts";
import type { ObjectStore, PutCondition } from "../store/object-store.ts";
import {
  codeOf,
  decode,
  increment,
  readCount,
  readText,
  uniqueBytes,
} from "./object-store-helpers.ts";
import type { StoreCheck } from "./object-store-suite.ts";

const rounds = 6;
const handleCount = 4;
const writersPerHandle = 2;

async function openSeveral(open: () => Promise<ObjectStore>): Promise<ObjectStore[]> {
  return Promise.all(Array.from({ length: handleCount }, open));
}

/**
 * Eight concurrent puts with one condition: exactly one wins, the others are refused, and the winner's
 * bytes are stored.
 */
async function race(
  handles: readonly ObjectStore[],
  key: string,
  condition: PutCondition,
): Promise<void> {
  const writers = handles.flatMap((store) => Array.from({ length: writersPerHandle }, () => store));
  const outcomes = await Promise.all(
    writers.map(async (store) => {
      const bytes = uniqueBytes();
      const code = await codeOf(store.put(key, bytes, { condition }));
      return { text: decode(bytes), code };
    }),
  );
  const winners = outcomes.filter(({ code }) => code === null);
  assert.equal(winners.length, 1, `${winners.length} of ${outcomes.length} puts resolved`);
  const losing: readonly (ErrorCode | null)[] = ["store-precondition", "store-busy"];
  for (const { code } of outcomes) assert.ok(code === null || losing.includes(code), String(code));
  for (const store of handles) assert.equal(await readText(store, key), winners[0]?.text);
}

/** The promises that require conditional writes, and so an atomic replace. */
export const conditionalRaceChecks: readonly StoreCheck[] = [
  {
    name: "of eight concurrent creates exactly one resolves",
    async run(open) {
      const handles = await openSeveral(open);
      for (let round = 0; round < rounds; round++) {
        await race(handles, `race/create-${round}`, { kind: "absent" });
      }
    },
  },
  {
    name: "of eight concurrent replaces of one etag exactly one resolves",
    async run(open) {
      const handles = await openSeveral(open);
      const [first] = handles;
      assert.ok(first !== undefined);
      await first.put("race/replace", uniqueBytes());
      for (let round = 0; round < rounds; round++) {
        const etag = (await first.head("race/replace"))?.etag ?? "";
        await race(handles, "race/replace", { kind: "match", etag });
      }
    },
  },
  {
    name: "of a create and a replace of a deleted object at most the create resolves",
    async run(open) {
      const handles = await openSeveral(open);
      const [store, other] = handles;
      assert.ok(store !== undefined && other !== undefined);
      for (let round = 0; round < rounds; round++) {
        const key = `race/deleted-${round}`;
        const { etag } = await store.put(key, uniqueBytes());
        await store.delete(key);
        const [created, replaced]: readonly (ErrorCode | null)[] = await Promise.all([
          codeOf(store.put(key, uniqueBytes(), { condition: { kind: "absent" } })),
          codeOf(other.put(key, uniqueBytes(), { condition: { kind: "match", etag } })),
        ]);
        assert.equal(created, null);
        assert.ok(
          replaced === "store-missing" || replaced === "store-precondition",
          String(replaced),
        );
      }
    },
  },
  {
    name: "a counter raised by several handles misses no increment",
    async run(open) {
      const handles = await openSeveral(open);
      await Promise.all(
        handles.map(async (store) => {
          for (let step = 0; step < 5; step++) await increment(store, "race/counter");
        }),
      );
      for (const store of handles) {
        assert.equal(await readCount(store, "race/counter"), handles.length * 5);
      }
    },
  },
  {
    name: "a reader sees an object whole, content with its metadata, while it is replaced",
    async run(open) {
      const [writer, reader] = [await open(), await open()];
      const key = "race/torn";
      const write = async (step: number): Promise<void> => {
        const bytes = new Uint8Array(10_000 + (step % 3) * 50_000).fill(step);
        await writer.put(key, bytes, { metadata: { step: String(step) } });
      };
      await write(1);
      let isDone = false;
      const writing = (async () => {
        for (let step = 2; step <= 25; step++) await write(step);
      })().finally(() => {
        isDone = true;
      });
      let seen = 0;
      while (!isDone) {
        const object = await reader.get(key);
        assert.ok(object !== null, "the object was gone for a moment");
        const { step: written } = object.metadata;
        const step = Number(written);
        assert.ok(step >= seen, `step ${step} was read after ${seen}`);
        seen = step;
        assert.equal(object.bytes.length, 10_000 + (step % 3) * 50_000);
        assert.ok(
          object.bytes.every((byte) => byte === step),
          `step ${step} is torn`,
        );
        await new Promise(setImmediate);
      }
      await writing;
    },
  },
];

/** The promises of every store. */
export const raceChecks: readonly StoreCheck[] = [
  {
    name: "a reader finds a new object whole, content with its metadata, or not at all",
    async run(open) {
      const [writer, reader] = [await open(), await open()];
      const keyOf = (step: number): string => `race/new/${step}`;
      let written = 0;
      const writing = (async () => {
        for (let step = 1; step <= 8; step++) {
          const bytes = new Uint8Array(40_000 + (step % 3) * 100_000).fill(step);
          await writer.put(keyOf(step), bytes, { metadata: { step: String(step) } });
          written = step;
        }
      })();
      const done = writing.then(
        () => true,
        () => true,
      );
      let isDone = false;
      for (let step = 1; step <= 8 && !isDone; ) {
        const resolved = written;
        const object = await reader.get(keyOf(step));
        if (object === null) {
          assert.ok(step > resolved, `step ${step} was written, and is not there`);
        } else {
          assert.deepEqual({ ...object.metadata }, { step: String(step) });
          assert.equal(object.bytes.length, 40_000 + (step % 3) * 100_000);
          assert.ok(
            object.bytes.every((byte) => byte === step),
            `step ${step} is torn`,
          );
          step += 1;
        }
        isDone = await Promise.race([done, new Promise<false>((go) => setImmediate(go, false))]);
      }
      await writing;
    },
  },
  {
    name: "a put that resolved is what every handle reads next",
    async run(open) {
      const handles = await openSeveral(open);
      for (let step = 0; step < 12; step++) {
        const bytes = uniqueBytes();
        await handles[step % handles.length]?.put("race/fresh", bytes);
        const texts = await Promise.all(handles.map((store) => readText(store, "race/fresh")));
        assert.deepEqual(new Set(texts), new Set([decode(bytes)]));
      }
    },
  },
];
