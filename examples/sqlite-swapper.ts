/** A place of one's own for the backup: one row of a SQLite database, replaced by compare-and-swap. */
import { DatabaseSync } from "node:sqlite";
import { ScbError, type Swapper } from "scb-mirror";
import { type Multi, type PackedMulti, unpackMulti } from "scb-mirror/backup";
import type { Encrypter } from "scb-mirror/keys";

/**
 * The backup stands under a version that grows with each swap. `extractMulti` remembers the version, and
 * `updateAndSwap` replaces that one or nothing, also among several processes.
 */
export class SqliteSwapper implements Swapper {
  readonly #database: DatabaseSync;
  /** What the next swap replaces: it is good for one. */
  #base: number | null = null;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 5_000 });
    this.#database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" +
        "CREATE TABLE IF NOT EXISTS backup" +
        " (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, packed BLOB NOT NULL)",
    );
  }

  async extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    signal?.throwIfAborted();
    const row = this.#database.prepare("SELECT version, packed FROM backup").get();
    const multi = row === undefined ? null : unpackMulti(row["packed"] as Uint8Array, encrypter);
    this.#base = row === undefined ? 0 : Number(row["version"]);
    return multi;
  }

  async updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const base = this.#base;
    this.#base = null;
    if (base === null || this.#swap(base, newBackup) !== 1) {
      throw new ScbError("superseded", "another writer has replaced the backup");
    }
  }

  close(): void {
    this.#database.close();
  }

  /** How many rows were written: 1, or 0 if the version is another one. */
  #swap(base: number, packed: PackedMulti): number {
    try {
      const { changes } =
        base === 0
          ? this.#database.prepare("INSERT OR IGNORE INTO backup VALUES (1, 1, ?)").run(packed)
          : this.#database
              .prepare("UPDATE backup SET version = version + 1, packed = ? WHERE version = ?")
              .run(packed, base);
      return Number(changes);
    } catch (error) {
      // A full disk or a lock that another holds may pass: the SubSwapper then tries again.
      throw new ScbError("io", `the backup could not be written: ${String(error)}`, {
        cause: error,
      });
    }
  }
}
