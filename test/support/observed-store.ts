import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type Bucket, sha256 } from "./bucket.ts";
import type { BackupChannels } from "./node-states.ts";

const pointerSchema = z.object({
  sequence: z.number(),
  version: z.object({ key: z.string(), size: z.number(), sha256: z.string() }),
});

export interface StoreRead {
  /** When the answer came; milliseconds since 1970. */
  readonly atMs: number;
  readonly channels: BackupChannels;
}

export interface ObservedStoreOptions {
  readonly bucket: Bucket;
  /** The node's folder. */
  readonly folder: string;
  /** Decrypts a backup without the program under test. */
  readonly open: (packed: Uint8Array) => Promise<BackupChannels>;
}

const everyMs = 100;

/**
 * Keeps reading one store as an S3 client: the pointer, and the version that it names, in full. A store
 * that is down shows nothing; a frozen store shows its content once it resumes.
 */
export class ObservedStore {
  readonly reads: StoreRead[] = [];
  readonly #options: ObservedStoreOptions;
  /** By key: a version never changes. */
  readonly #versions = new Map<
    string,
    { readonly hash: string; readonly channels: BackupChannels }
  >();

  constructor(options: ObservedStoreOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. Throws if the pointer names a missing or damaged version, or goes back. */
  async watch(signal: AbortSignal): Promise<void> {
    for (let sequence = 0; !signal.aborted; await delay(everyMs)) {
      try {
        const now = await this.read();
        assert.ok(now >= sequence, `sequence ${now} after ${sequence}`);
        sequence = now;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
    }
  }

  /** Notes what the store holds now. Returns the pointer's sequence. */
  async read(): Promise<number> {
    const { bucket, folder } = this.#options;
    const { bytes } = await bucket.get(`${folder}/latest.json`);
    const atMs = Date.now();
    const { sequence, version } = pointerSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    const channels = await this.channelsOf(version.key, version.sha256);
    this.reads.push({ atMs, channels });
    return sequence;
  }

  /** The content of a version, which must be intact. */
  async channelsOf(key: string, hash: string): Promise<BackupChannels> {
    const { bucket, folder, open } = this.#options;
    const known = this.#versions.get(key);
    if (known !== undefined) {
      assert.equal(known.hash, hash, `${key} by its sha256`);
      return known.channels;
    }
    const { bytes } = await bucket.get(`${folder}/${key}`);
    assert.equal(sha256(bytes), hash, `${key} by its sha256`);
    const channels = await open(bytes);
    this.#versions.set(key, { hash, channels });
    return channels;
  }

  /** Resolves when the store accepts a write from another client. */
  async takesWrites(): Promise<void> {
    const { bucket } = this.#options;
    for (;;) {
      try {
        return await bucket.put("observer/probe", String(Date.now()));
      } catch {
        await delay(20);
      }
    }
  }
}
