import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { type PackedMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Swapper } from "../../src/chanbackup/swapper.ts";
import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { openOffsiteSwapper } from "../../src/mirror/offsite-swapper.ts";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import {
  runSwapperCheck,
  type SwapperGround,
  swapperChecks,
  swapperSuite,
} from "../../src/testing/swapper-suite.ts";

function offsite(to: string | ObjectStore, encrypter: Encrypter, end = async () => {}) {
  const opened: AsyncDisposable[] = [];
  return {
    async open() {
      const swapper = await openOffsiteSwapper({ to, node: "me", encrypter, logger: silentLogger });
      opened.push(swapper);
      return swapper;
    },
    async [Symbol.asyncDispose]() {
      for (const swapper of opened) await swapper[Symbol.asyncDispose]();
      await end();
    },
  };
}

swapperSuite("an offsite swapper in memory", async (encrypter) =>
  offsite(new MemoryStore(), encrypter),
);

swapperSuite("an offsite swapper in a folder", async (encrypter) => {
  const folder = await mkdtemp(join(tmpdir(), "scb-swapper-"));
  const end = () => rm(folder, { recursive: true, force: true });
  return offsite(pathToFileURL(join(folder, "store")).href, encrypter, end);
});

/** One backup in this process, with a number that grows: the smallest swapper that keeps the promises. */
interface Place {
  packed: PackedMulti | null;
  version: number;
}

class SmallSwapper implements Swapper {
  protected readonly place: Place;
  protected base: number | null = null;
  #extracts = 0;

  constructor(place: Place) {
    this.place = place;
  }

  async extractMulti(encrypter: Encrypter, signal?: AbortSignal) {
    throwIfAborted(signal);
    const { packed, version } = this.place;
    const multi = packed === null ? null : unpackMulti(packed, encrypter);
    // Of several users nobody knows who swaps next; the base of each is the same.
    this.#extracts = this.base === version ? this.#extracts + 1 : 1;
    this.base = version;
    return multi;
  }

  async updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    this.check();
    this.put(newBackup.slice());
  }

  protected check(): void {
    const { base } = this;
    this.#extracts -= 1;
    if (this.#extracts <= 0) this.base = null;
    if (base === this.place.version) return;
    this.base = null;
    throw new ScbError("superseded", "another writer was first");
  }

  protected put(packed: PackedMulti): void {
    this.place.packed = packed;
    this.place.version += 1;
  }
}

const groundOf =
  (open: (place: Place, encrypter: Encrypter) => Swapper) =>
  async (encrypter: Encrypter): Promise<SwapperGround> => {
    const place: Place = { packed: null, version: 0 };
    return {
      open: async () => open(place, encrypter),
      [Symbol.asyncDispose]: async () => undefined,
    };
  };

swapperSuite(
  "the smallest swapper",
  groundOf((place) => new SmallSwapper(place)),
);

const wrongSwappers: readonly {
  readonly name: string;
  readonly caughtBy: string;
  readonly open: (place: Place, encrypter: Encrypter) => Swapper;
}[] = [
  {
    name: "compares nothing",
    caughtBy: "of two who extracted",
    open: (place) =>
      new (class extends SmallSwapper {
        override check(): void {}
      })(place),
  },
  {
    name: "takes a new base by itself once it was superseded",
    caughtBy: "of two who extracted",
    open: (place) =>
      new (class extends SmallSwapper {
        override check(): void {
          try {
            super.check();
          } catch (error) {
            this.base = this.place.version;
            throw error;
          }
        }
      })(place),
  },
  {
    name: "takes a base by itself if nothing was extracted",
    caughtBy: "without an extract",
    open: (place) =>
      new (class extends SmallSwapper {
        override check(): void {
          this.base ??= this.place.version;
          super.check();
        }
      })(place),
  },
  {
    name: "takes its own swap for an extract",
    caughtBy: "one extract is good for one swap",
    open: (place) =>
      new (class extends SmallSwapper {
        override put(packed: PackedMulti): void {
          super.put(packed);
          this.base = this.place.version;
        }
      })(place),
  },
  {
    name: "keeps the caller's bytes",
    caughtBy: "bytes that were given",
    open: (place) =>
      new (class extends SmallSwapper {
        override async updateAndSwap(newBackup: PackedMulti): Promise<void> {
          this.check();
          this.put(newBackup);
        }
      })(place),
  },
  {
    name: "answers before anything is saved",
    caughtBy: "saving one makes it current",
    open: (place) =>
      new (class extends SmallSwapper {
        override put(packed: PackedMulti): void {
          setTimeout(() => super.put(packed), 50);
        }
      })(place),
  },
  {
    name: "looks and waits before it writes",
    caughtBy: "of many who swap at once",
    open: (place) =>
      new (class extends SmallSwapper {
        override async updateAndSwap(newBackup: PackedMulti): Promise<void> {
          this.check();
          await new Promise((resolve) => setImmediate(resolve));
          this.put(newBackup.slice());
        }
      })(place),
  },
  {
    name: "takes what its key can't open for no backup",
    caughtBy: "another key",
    open: (place) =>
      new (class extends SmallSwapper {
        override extractMulti(encrypter: Encrypter) {
          return super.extractMulti(encrypter).catch(() => null);
        }
      })(place),
  },
  {
    name: "passes over signals",
    caughtBy: "a signal that has aborted",
    open: (place) =>
      new (class extends SmallSwapper {
        override extractMulti(encrypter: Encrypter) {
          return super.extractMulti(encrypter);
        }
      })(place),
  },
  {
    name: "confirms what it doesn't look at",
    caughtBy: "look and held",
    open: (place) =>
      new (class extends SmallSwapper {
        async look() {
          return { kind: "confirmed" } as const;
        }
      })(place),
  },
];

describe("the suite for swappers catches one that", () => {
  for (const { name, caughtBy, open } of wrongSwappers) {
    it(name, async () => {
      const checks = swapperChecks.filter((check) => check.name.includes(caughtBy));
      assert.equal(checks.length, 1, `no check, or several, are named "… ${caughtBy} …"`);
      for (const check of checks) {
        const running = runSwapperCheck(check, groundOf(open));
        await assert.rejects(running, assert.AssertionError, `"${check.name}" passed`);
      }
    });
  }
});
