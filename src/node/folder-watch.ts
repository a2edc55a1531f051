import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

/**
 * Reports events on one name in a folder, as far as the system does. It may miss some (network file
 * systems and bind mounts report nothing), so it only ever makes a poll come sooner. It watches the
 * folder and not the file, because lnd replaces the file by renaming over it.
 */
export class FolderWatch {
  readonly #folder: string;
  readonly #name: string;
  readonly #onEvent: () => void;
  #watcher: FSWatcher | null = null;
  #watched: string | null = null;

  constructor(folder: string, name: string, onEvent: () => void) {
    this.#folder = folder;
    this.#name = name;
    this.#onEvent = onEvent;
  }

  /** Watches the folder that has this path now, if there is one. Call it repeatedly. */
  async renew(): Promise<void> {
    const found = await identityOf(this.#folder);
    if (found === this.#watched) return;
    this.close();
    if (found === null) return;
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, (_event, name) => {
        if (name === null || name === this.#name) this.#onEvent();
      });
    } catch {
      // The system has no more watches, or the folder is gone by now. Polling continues.
      return;
    }
    this.#watched = found;
    this.#watcher.on("error", () => this.close());
  }

  /** May be called twice. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#watched = null;
  }
}

async function identityOf(folder: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev},${ino}`;
  } catch {
    // Reading the file reports what is wrong with its path.
    return null;
  }
}
