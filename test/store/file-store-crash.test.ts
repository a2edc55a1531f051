import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { increment, listKeys, readCount } from "../../src/testing/object-store-helpers.ts";

const childPath = join(import.meta.dirname, "counter-child.ts");
const key = "race/counter";

/** A process that raises the counter. `acknowledged` is what it has been told has landed. */
class Counter {
  acknowledged = 0;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(root: string) {
    this.#process = spawn(process.execPath, [childPath, root], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process.stdout?.on("data", (chunk: Buffer) => {
      this.acknowledged += chunk.length;
    });
    this.#ended = once(this.#process, "close");
  }

  async firstIncrement(): Promise<void> {
    while (this.acknowledged === 0) await delay(5);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }
}

describe("FileStore across processes", () => {
  let folder: string;
  let root: string;
  const counters: Counter[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-file-crash-"));
    root = join(folder, "store");
  });
  afterEach(async () => {
    await Promise.all(counters.splice(0).map((counter) => counter.kill()));
    await rm(folder, { recursive: true });
  });

  function startCounter(): Counter {
    const counter = new Counter(root);
    counters.push(counter);
    return counter;
  }

  function acknowledged(): number {
    return counters.reduce((sum, counter) => sum + counter.acknowledged, 0);
  }

  it("misses no increment and stays free, though writers are killed at any moment", async () => {
    const kills = 12;
    let killed = 0;
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        while (killed < kills) {
          killed++;
          const counter = startCounter();
          await counter.firstIncrement();
          await delay(Math.random() * 150);
          await counter.kill();
        }
      }),
    );
    const store = new FileStore({ root, logger: silentLogger });
    const counted = await readCount(store, key);
    assert.ok(counted >= acknowledged(), `${acknowledged()} acknowledged, ${counted} counted`);
    assert.ok(counted <= acknowledged() + killed, `${counted} counted, ${acknowledged()} made`);
    const startedAt = performance.now();
    await increment(store, key);
    assert.ok(performance.now() - startedAt < 5_000, "a killed writer's lock was in the way");
    assert.equal(await readCount(store, key), counted + 1);
    assert.deepEqual(await listKeys(store), [key]);
  });

  it("misses no increment though writers are held up for longer than a lock is respected", async () => {
    const [slow, slower, quick] = [startCounter(), startCounter(), startCounter()];
    await Promise.all([slow, slower, quick].map((counter) => counter.firstIncrement()));
    for (let round = 0; round < 3; round++) {
      for (const counter of [slow, slower]) {
        await delay(Math.random() * 20);
        counter.signal("SIGSTOP");
      }
      const before = quick.acknowledged;
      await delay(1_400);
      assert.ok(quick.acknowledged > before, "a writer that stands still blocks the others");
      for (const counter of [slow, slower]) counter.signal("SIGCONT");
      await delay(50);
    }
    await Promise.all(counters.map((counter) => counter.kill()));
    const counted = await readCount(new FileStore({ root, logger: silentLogger }), key);
    const made = acknowledged();
    assert.ok(
      counted >= made && counted <= made + counters.length,
      `${made} made, ${counted} counted`,
    );
  });

  it("leaves nothing behind when nobody is killed", async () => {
    const store = new FileStore({ root, logger: silentLogger });
    for (let step = 0; step < 5; step++) await increment(store, key);
    assert.deepEqual(await readdir(join(root, "race")), ["counter"]);
  });
});
