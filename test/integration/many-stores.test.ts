import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { Bucket, sha256 } from "../support/bucket.ts";
import { type CliEvent, type RunningCli, startRun } from "../support/cli.ts";
import { CountedBackup } from "../support/counted-backup.ts";

/** A busy machine takes long to start programs; how fast things are is measured where it matters. */
const eventually = { timeoutMs: 60_000, everyMs: 20 };

interface Place {
  readonly minio: MinioServer;
  readonly bucket: Bucket;
  /** As events call it. */
  readonly name: string;
}

peerSuite("three real MinIOs, each with troubles of its own", ["minio"], () => {
  const places: Place[] = [];
  let backup: CountedBackup;
  let run: RunningCli;
  let writing: Promise<void> = Promise.resolve();
  const ended = new AbortController();

  before(async () => {
    backup = await CountedBackup.make();
    for (const name of ["one", "two", "three"]) {
      const minio = await startMinio();
      await minio.createBucket(name);
      const bucket = new Bucket(minio, name);
      places.push({ minio, bucket, name: `s3://${name}?endpoint=${minio.endpoint}` });
    }
    const { AWS_ENDPOINT_URL_S3: _, ...env } = places[0]?.minio.env() ?? {};
    run = startRun(
      [
        ...["--from", `file:${backup.path}`, "--node", "alice", "--require", "2"],
        ...["--min-interval", "1ms", "--look-interval", "1s", "--request-timeout", "1s"],
        ...places.flatMap(({ name }) => ["--to", name]),
      ],
      { env },
    );
    for (const { name } of places) await run.event(savedIn(name), eventually);
    writing = keepWriting(backup, ended.signal);
  });
  after(async () => {
    ended.abort();
    await writing;
    await run?.[Symbol.asyncDispose]();
    for (const { minio, bucket } of places) {
      bucket[Symbol.dispose]();
      await minio[Symbol.asyncDispose]();
    }
    await backup?.[Symbol.asyncDispose]();
  });

  /** Waits until this store has saved `more` states from here on. */
  const untilSaved = async ({ name }: Place, more: number): Promise<void> => {
    const had = run.events.filter(savedIn(name)).length;
    const hasGotOn = (): true | undefined =>
      run.events.filter(savedIn(name)).length >= had + more ? true : undefined;
    await waitFor(`${more} more states in ${name}`, hasGotOn, eventually);
  };
  const verdict = (): unknown =>
    run.events.findLast(({ event }) => event === "verdict")?.["verdict"];

  const troubles: readonly (readonly [
    string,
    (minio: MinioServer) => Promise<unknown> | undefined,
    (minio: MinioServer) => Promise<unknown> | undefined,
  ])[] = [
    ["killed", (minio) => minio.kill(), (minio) => minio.restart()],
    ["frozen", (minio) => minio.freeze(), (minio) => minio.goOn()],
  ];
  for (const [what, begin, end] of troubles) {
    for (const index of [0, 1, 2]) {
      it(`two get on while number ${index + 1} is ${what}, and it is level soon after`, async () => {
        const [struck, ...others] = [...places.slice(index), ...places.slice(0, index)];
        assert.ok(struck !== undefined);
        await begin(struck.minio);
        try {
          await Promise.all(others.map((place) => untilSaved(place, 4)));
          const isSafe = (): true | undefined => (verdict() === "safe" ? true : undefined);
          await waitFor("two that are read back to be enough", isSafe, eventually);
        } finally {
          await end(struck.minio);
        }
        const returnedMs = performance.now();
        await untilSaved(struck, 1);
        process.stderr.write(`level after ${Math.round(performance.now() - returnedMs)} ms\n`);
        await Promise.all(others.map((place) => untilSaved(place, 1)));
      });
    }
  }

  it("isn't safe while two are away, and is again when one is back", async () => {
    const [first, second] = places;
    assert.ok(first !== undefined && second !== undefined);
    const from = run.events.length;
    await Promise.all([first.minio.kill(), second.minio.kill()]);
    const is = (word: string) => (event: CliEvent) =>
      event.event === "verdict" && event["verdict"] === word;
    await run.event(is("unsafe"), { after: from, timeoutMs: 60_000 });
    const worse = run.events.length;
    await first.minio.restart();
    await run.event(is("safe"), { after: worse, timeoutMs: 60_000 });
    await second.minio.restart();
  });

  it("has saved the last state in each of them, and nothing that it told is lost", async () => {
    ended.abort();
    await writing;
    const last = await backup.rewrite();
    for (const { bucket, name } of places) {
      const isLast = async (): Promise<true | undefined> =>
        last.equals((await bucket.current("alice")).bytes) ? true : undefined;
      await waitFor(`the last state in ${name}`, isLast, eventually);
    }
    assert.equal(await run.end("SIGTERM"), 0, run.stderr);
    for (const { bucket, name } of places) {
      let before = 0;
      for (const { key, sha256: hash } of run.events.filter(savedIn(name))) {
        const { bytes } = await bucket.get(`alice/${String(key)}`);
        assert.equal(sha256(bytes), hash);
        const count = CountedBackup.countOf(bytes);
        assert.ok(count >= before, "the state never goes back");
        before = count;
      }
    }
  });
});

function savedIn(name: string): (event: CliEvent) => boolean {
  return ({ event, store }) => event === "swapped" && store === name;
}

async function keepWriting(backup: CountedBackup, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await backup.rewrite();
    await delay(400);
  }
}
