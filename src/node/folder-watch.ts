import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

/**
 * Says when something happens to one name in a folder, as long as the system reports it. It may
 * miss things (network file systems and bind mounts report nothing), so it only ever makes a poll
 * come sooner. The folder is watched and not the file, which lnd replaces by renaming over it.
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

  /** To be called again and again: watches the folder that has this path now, if there is one. */
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
      // No more watches to be had, or the folder went away since: polling goes on.
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
    // Whoever reads the file says what is wrong with its path.
    return null;
  }
}
