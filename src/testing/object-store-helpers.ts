import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type ErrorCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Bytes that no other call writes, so that no two objects share an etag. */
export function uniqueBytes(label = ""): Uint8Array {
  return encode(`${label} ${randomUUID()}`);
}

export async function readText(store: ObjectStore, key: string): Promise<string | null> {
  const object = await store.get(key);
  return object === null ? null : decode(object.bytes);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function listKeys(
  store: ObjectStore,
  prefix = "",
  startAfter?: string,
): Promise<string[]> {
  return (await collect(store.list(prefix, { startAfter }))).map(({ key }) => key);
}

/** Asserts that `doing` rejects with an ScbError with this code. */
export async function rejectsWith(code: ErrorCode, doing: Promise<unknown>): Promise<ScbError> {
  let caught: unknown;
  try {
    await doing;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught !== undefined, `resolved instead of throwing ${code}`);
  assert.ok(caught instanceof ScbError, `threw ${String(caught)} instead of an ScbError`);
  assert.equal(caught.code, code, caught.message);
  return caught;
}

/** The code with which `doing` rejects; null if it resolves. */
export async function codeOf(doing: Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await doing;
    return null;
  } catch (error) {
    return ScbError.from(error).code;
  }
}

/** Increments a counter object by compare-and-swap, retrying until it succeeds. */
export async function increment(store: ObjectStore, key: string): Promise<void> {
  for (;;) {
    const base = await store.get(key);
    const count = base === null ? 0 : Number(decode(base.bytes).split(" ")[0]);
    const code = await codeOf(
      store.put(key, uniqueBytes(String(count + 1)), {
        condition: base === null ? { kind: "absent" } : { kind: "match", etag: base.etag },
      }),
    );
    if (code === null) return;
    assert.ok(
      ["store-precondition", "store-missing", "store-busy"].includes(code),
      `an increment ended with ${code}`,
    );
  }
}

export async function readCount(store: ObjectStore, key: string): Promise<number> {
  return Number((await readText(store, key))?.split(" ")[0] ?? "0");
}
