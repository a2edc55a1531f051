/**
 * A reader and a writer made from docs/protocol.md alone, with no code from the product. If the page
 * leaves something out, it is missing here too, and the tests in which both use one folder fail.
 */
import { createHash, randomBytes } from "node:crypto";
import * as z from "zod";
import type { RawStore } from "./raw-stores.ts";

const pointerSchema = z.looseObject({
  schema: z.union([z.literal(1), z.literal(2)]),
  sequence: z.int().min(1).max(999_999_999_999),
  version: z.looseObject({ key: z.string(), size: z.int(), sha256: z.string() }),
  previous: z.looseObject({ key: z.string(), sha256: z.string() }).nullable(),
  operation: z.string(),
  recentOperations: z.array(z.string()).min(1).max(64),
  node: z.looseObject({ pubkey: z.string().nullable(), network: z.string().nullable() }),
  alsoRestore: z
    .array(
      z.looseObject({
        key: z.string(),
        sha256: z.string().nullable(),
        channelPoints: z.array(z.string()),
      }),
    )
    .optional(),
});
type Pointer = z.infer<typeof pointerSchema>;

interface Base {
  readonly pointer: Pointer;
  readonly etag: string;
}

const keyPattern = /^versions\/(\d{20})-([0-7][0-9A-HJKMNP-TV-Z]{25})\.backup$/;

export interface ReadVersion {
  readonly key: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** The pointer with its ETag; null if there is none. Throws if the object is not a pointer. */
async function readPointer(store: RawStore): Promise<Base | null> {
  const object = await store.get("latest.json");
  if (object === null) return null;
  const pointer = pointerSchema.parse(JSON.parse(new TextDecoder().decode(object.bytes)));
  if (nameOf(pointer.version.key).sequence !== pointer.sequence)
    throw new Error("the pointer lies");
  return { pointer, etag: object.etag };
}

/** "The current version": what a restore takes, in its order. */
export async function readCurrent(store: RawStore): Promise<readonly ReadVersion[]> {
  const base = await readPointer(store);
  const { version, alsoRestore = [] } = base?.pointer ?? (await newestOf(store));
  return Promise.all(
    [version, ...alsoRestore].map(async ({ key, sha256, ...more }) => {
      const object = await store.get(key);
      if (object === null) throw new Error(`${key} is gone`);
      const hash = sha256Of(object.bytes);
      const said = [sha256, object.metadata["scb-sha256"]].filter((one) => one);
      const size = "size" in more ? more.size : object.bytes.length;
      if (said.some((one) => one !== hash) || size !== object.bytes.length) {
        throw new Error(`${key} is damaged`);
      }
      return { key, sequence: nameOf(key).sequence, bytes: object.bytes };
    }),
  );
}

/** "Append-only stores": the greatest key is current, and only metadata says more of it. */
async function newestOf(store: RawStore): Promise<Pick<Pointer, "version" | "alsoRestore">> {
  const keys = (await store.list("versions/")).filter((key) => keyPattern.test(key));
  const key = keys.at(-1) ?? "";
  const object = await store.get(key);
  const { metadata = {}, bytes = new Uint8Array() } = object ?? {};
  if (metadata["scb-single-writer"] !== "true") throw new Error("there is no pointer");
  const also = (metadata["scb-also-restore"] ?? "").split(" ").filter((text) => text !== "");
  const alsoRestore = also.map((text) => {
    const [sequence = "", operation = ""] = text.split("-");
    return { key: keyOf(Number(sequence), operation), sha256: null, channelPoints: [] };
  });
  const sha256 = metadata["scb-sha256"] ?? "";
  return { version: { key, size: bytes.length, sha256 }, alsoRestore };
}

export type Standing = "current" | "lineage" | "orphan" | "beyond";

/** "The lineage": what each version is, newest first. */
export async function readHistory(
  store: RawStore,
): Promise<readonly { readonly key: string; readonly standing: Standing }[]> {
  const keys = (await store.list("versions/")).filter((key) => keyPattern.test(key));
  const base = await readPointer(store);
  if (base === null) throw new Error("there is no pointer");
  const { pointer } = base;
  const lineage = new Set([pointer.version.key]);
  let next = pointer.previous?.key ?? null;
  for (let sequence = pointer.sequence - 1; sequence > 0; sequence -= 1) {
    const siblings = keys.filter((key) => nameOf(key).sequence === sequence);
    const key =
      siblings.find((one) => one === next) ?? (siblings.length === 1 ? siblings[0] : null);
    if (key == null) break;
    lineage.add(key);
    next = (await store.get(key))?.metadata["scb-previous-key"] ?? null;
  }
  return keys.toReversed().map((key) => {
    if (key === pointer.version.key) return { key, standing: "current" };
    if (nameOf(key).sequence > pointer.sequence) return { key, standing: "beyond" };
    return { key, standing: lineage.has(key) ? "lineage" : "orphan" };
  });
}

/** One swap: `snapshot` is asked after the base was read, and again whenever another writer was first. */
export async function swap(
  store: RawStore,
  snapshot: () => Promise<Uint8Array>,
  writer: string,
): Promise<{ readonly key: string; readonly sequence: number }> {
  for (;;) {
    const base = (await readPointer(store)) ?? (await emptyBase(store));
    const packed = await snapshot();
    if (packed.length < 45) throw new Error("not-a-multi");
    if (packed.length === 45 && (base?.pointer.version.size ?? 0) > 45) throw new Error("empty");
    const operation = ulid();
    const sequence = (base?.pointer.sequence ?? 0) + 1;
    const key = keyOf(sequence, operation);
    const sha256 = sha256Of(packed);
    await putVersion(store, key, packed, metadataFor(base, operation, sequence, sha256));
    const version = { key, size: packed.length, sha256 };
    const pointer = pointerFor(base, { operation, sequence, version, writer });
    if ((await movePointer(store, base, pointer)) === "superseded") continue;
    if (sequence === 1) await markOrigin(store);
    return { key, sequence };
  }
}

/** "The first commit": null if nothing shows that there was a pointer. */
async function emptyBase(store: RawStore): Promise<Base | null> {
  let evidence = (await store.get("origin.json")) !== null;
  for (const key of await store.list("versions/")) {
    const name = keyPattern.test(key) ? nameOf(key) : null;
    if (name === null) continue;
    const { metadata = {} } = (await store.get(key)) ?? {};
    if (metadata["scb-single-writer"] === "true") throw new Error("it is append-only");
    if (name.sequence > 1 || metadata["scb-operation"] !== name.operation) evidence = true;
  }
  const late = await readPointer(store);
  if (late === null && evidence) throw new Error("the pointer was lost");
  return late;
}

async function putVersion(
  store: RawStore,
  key: string,
  packed: Uint8Array,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  for (;;) {
    const answer = await store.put(key, packed, "absent", metadata).catch(() => "lost" as const);
    if (typeof answer === "object") return;
    const stored = await store.get(key);
    if (stored === null) continue;
    if (Buffer.compare(stored.bytes, packed) === 0) return;
    throw new Error(`${key} holds other bytes than were sent`);
  }
}

async function movePointer(
  store: RawStore,
  base: Base | null,
  pointer: Pointer,
): Promise<"committed" | "superseded"> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(pointer, null, 2)}\n`);
  const condition = base === null ? "absent" : { etag: base.etag };
  for (;;) {
    if (base === null && (await emptyBase(store)) !== null) return "superseded";
    const answer = await store.put("latest.json", bytes, condition).catch(() => "lost" as const);
    if (typeof answer === "object") return "committed";
    const now = await readPointer(store);
    if (now?.pointer.recentOperations.includes(pointer.operation)) return "committed";
    if (now === null && base !== null) throw new Error("the pointer was lost");
    if (now !== null && now.etag !== base?.etag) return "superseded";
  }
}

async function markOrigin(store: RawStore): Promise<void> {
  const mark = { schema: 1, firstCommitSeenAt: new Date().toISOString() };
  await store.put("origin.json", Buffer.from(`${JSON.stringify(mark)}\n`), "absent");
}

function metadataFor(
  base: Base | null,
  operation: string,
  sequence: number,
  sha256: string,
): Record<string, string> {
  const { version, alsoRestore = [] } = base?.pointer ?? {};
  const also = alsoRestore
    .map(({ key }) => nameOf(key))
    .map((name) => `${name.sequence}-${name.operation}`)
    .slice(-16);
  return {
    "scb-schema": "1",
    "scb-operation": operation,
    "scb-sequence": String(sequence),
    "scb-sha256": sha256,
    ...(version && { "scb-previous-key": version.key, "scb-previous-sha256": version.sha256 }),
    ...(also.length > 0 && { "scb-also-restore": also.join(" ") }),
  };
}

function pointerFor(
  base: Base | null,
  commit: Pick<Pointer, "operation" | "sequence" | "version"> & { readonly writer: string },
): Pointer {
  const { version, recentOperations = [], node, alsoRestore } = base?.pointer ?? {};
  return {
    schema: alsoRestore === undefined ? 1 : 2,
    ...commit,
    previous: version === undefined ? null : { key: version.key, sha256: version.sha256 },
    committedAt: new Date().toISOString(),
    recentOperations: [...recentOperations, commit.operation].slice(-64),
    node: node ?? { pubkey: null, network: null },
    verifiedBy: null,
    channels: null,
    channelPointsSha256: null,
    ...(alsoRestore && { alsoRestore }),
  };
}

function keyOf(sequence: number, operation: string): string {
  return `versions/${String(sequence).padStart(20, "0")}-${operation}.backup`;
}

function nameOf(key: string): { readonly sequence: number; readonly operation: string } {
  const [, sequence, operation = ""] = keyPattern.exec(key) ?? [];
  if (sequence === undefined) throw new Error(`${key} is no version`);
  return { sequence: Number(sequence), operation };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function ulid(): string {
  let time = Date.now();
  let text = "";
  for (let at = 0; at < 10; at += 1) {
    text = (alphabet[time % 32] ?? "") + text;
    time = Math.floor(time / 32);
  }
  return text + [...randomBytes(16)].map((byte) => alphabet[byte % 32]).join("");
}
