import { randomBytes } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A `channel.backup` that is rewritten as lnd does it: a new file, renamed over the old one. Its
 * content can't be decrypted, but begins with a number that only grows, so that a reader of two files
 * knows which is newer.
 */
export class CountedBackup implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "channel.backup");
  }

  static async make(): Promise<CountedBackup> {
    const backup = new CountedBackup(await mkdtemp(join(tmpdir(), "scb-counted-")));
    await backup.rewrite();
    return backup;
  }

  /** Returns the file's new content. */
  async rewrite(): Promise<Buffer> {
    this.#count += 1;
    const bytes = Buffer.concat([Buffer.alloc(8), randomBytes(692)]);
    bytes.writeBigUInt64BE(BigInt(this.#count));
    const temporary = join(this.#folder, "temp-dont-use.backup");
    await writeFile(temporary, bytes);
    await rename(temporary, this.path);
    return bytes;
  }

  static countOf(bytes: Uint8Array): number {
    return Number(Buffer.from(bytes).readBigUInt64BE());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
