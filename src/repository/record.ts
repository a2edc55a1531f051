import * as z from "zod";
import { hasCode, ScbError } from "../runtime/error.ts";
import { unprintable } from "../runtime/foreign-text.ts";
import type { ObjectStore, RequestOptions, StoredObject } from "../store/object-store.ts";
import { parseVersionKey } from "./layout.ts";

/** No record comes close to this size; anything larger isn't ours. */
export const recordSizeLimitBytes = 1024 * 1024;

export const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");

export const versionKeyText = z
  .string()
  .refine((key) => parseVersionKey(key) !== null, "must be the key of a version");

/** "txid:index", as block explorers print it. */
export const channelPointText = z.string().regex(/^[0-9a-f]{64}:\d{1,10}$/, "must be txid:index");

/**
 * Text for people to read: one line, without characters that control a terminal or change the text's
 * direction. Anyone who can write to the bucket can choose it.
 */
export function lineText(mostCharacters: number) {
  return z
    .string()
    .max(mostCharacters)
    .refine((text) => !unprintable.test(text), "must be one line without control characters");
}

/** A record that was read, and the object that holds it. */
export interface ReadRecord<T> {
  readonly value: T;
  readonly object: StoredObject;
}

export interface RecordFormatOptions<Schema extends z.ZodType> {
  /** Its name for people, such as "the pointer". */
  readonly name: string;
  readonly schema: Schema;
  /** Set for records that can grow long. */
  readonly compact?: boolean;
}

/** A kind of small JSON object in a node's folder: how to write it and how to validate it. */
export class RecordFormat<Schema extends z.ZodType> {
  readonly #options: RecordFormatOptions<Schema>;

  constructor(options: RecordFormatOptions<Schema>) {
    this.#options = options;
  }

  /** Throws "encode" for a value that no reader would accept, because it must never be sent. */
  encode(value: z.input<Schema>): Uint8Array {
    const { name, schema, compact = false } = this.#options;
    const checked = schema.safeParse(value);
    if (!checked.success) {
      throw new ScbError("encode", `${name} would not be readable: ${firstIssue(checked.error)}`, {
        cause: checked.error,
      });
    }
    const json = JSON.stringify(value, null, compact ? undefined : 2);
    return new TextEncoder().encode(`${json}\n`);
  }

  /** Throws "decode". The message says what is wrong, and completes "NAME …". */
  decode(bytes: Uint8Array): z.output<Schema> {
    const parsed = this.#options.schema.safeParse(parseRecordJson(bytes));
    if (parsed.success) return parsed.data;
    throw new ScbError("decode", `isn't readable (${firstIssue(parsed.error)})`, {
      cause: parsed.error,
    });
  }

  /** Null if it doesn't exist. Throws "decode", naming the record, and what the store throws. */
  async read(
    store: ObjectStore,
    key: string,
    options?: RequestOptions,
  ): Promise<ReadRecord<z.output<Schema>> | null> {
    try {
      const object = await store.get(key, { ...options, maxBytes: recordSizeLimitBytes });
      return object && { value: this.decode(object.bytes), object };
    } catch (error) {
      if (!hasCode(error, "decode", "store-too-large")) throw error;
      const where = `${this.#options.name} ${store.location}/${key}`;
      throw new ScbError("decode", `${where} ${error.message}`, { cause: error });
    }
  }

  /** As `read`, but null for a record that can't be read. */
  async readIfSound(
    store: ObjectStore,
    key: string,
    options?: RequestOptions,
  ): Promise<z.output<Schema> | null> {
    try {
      return (await this.read(store, key, options))?.value ?? null;
    } catch (error) {
      if (hasCode(error, "decode")) return null;
      throw error;
    }
  }
}

/** Throws "decode" for text that isn't JSON, or is too large for any record. */
export function parseRecordJson(bytes: Uint8Array): unknown {
  if (bytes.length > recordSizeLimitBytes) {
    throw new ScbError("decode", `is too large for such a record (${bytes.length} bytes)`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ScbError("decode", `is not JSON (${bytes.length} bytes)`, { cause: error });
  }
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const field = issue?.path.join(".") ?? "";
  return `${field === "" ? "" : `${field}: `}${issue?.message ?? "unreadable"}`;
}
