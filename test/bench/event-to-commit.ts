/**
 * From a real lnd's channel event to the pointer's commit, all on one machine.
 *
 * The event is a message of lnd's stream of channel backups, as a second subscriber in this program
 * receives it: lnd sends it to all at once. The commit is the `at` of the `swapped` line of
 * `run --json`. After each step the bucket is read: the pointer has to name that version, and lnd
 * has to find exactly its channels in it.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { startLndNetwork } from "../peers/lnd-network.ts";
import { startMinio } from "../peers/minio.ts";
import { waitFor } from "../peers/wait-for.ts";
import { hearBackups, sessionWith } from "../support/backup-stream.ts";
import { Bucket } from "../support/bucket.ts";
import type { CliEvent } from "../support/cli.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";
import { figure, median, printReport, quantile } from "./report.ts";
import { residentMb } from "./resident.ts";

const channels = Number(process.argv[2] ?? 8);
/** The mirror hears of an event when this program does, give or take this. */
const simultaneousMs = 50;
const quietMs = 500;

/** The swap that this message led to. One that came while a swap was due already has no own. */
function swapOf(heardAt: number | undefined, swaps: readonly CliEvent[]): CliEvent | undefined {
  if (heardAt === undefined) return undefined;
  const after = swaps.filter((swap) => committedAt(swap) >= heardAt);
  const own = after.find((swap) => {
    const noticedAt = committedAt(swap) - Number(swap["elapsedMs"]);
    return Math.abs(noticedAt - heardAt) <= simultaneousMs;
  });
  return own ?? after[0];
}

function committedAt(swap: CliEvent): number {
  return Date.parse(swap.at);
}

await using minio = await startMinio();
await minio.createBucket("event-to-commit");
using bucket = new Bucket(minio, "event-to-commit");
await using network = await startLndNetwork({ nodes: ["alice", "bob"] });
const alice = network.node("alice");
const bob = network.node("bob");
const macaroonPath = await bakeLeastPrivilege(alice);
await using mirror = new LndMirror({ lnd: alice, macaroonPath, minio, bucket });
const running = await mirror.start();
const session = await sessionWith(alice);
const heardAt: number[] = [];
const hearing = hearBackups(alice, session, ({ atMs }) => heardAt.push(atMs));
// Later than the mirror's second look at the node, which isn't an event.
await delay(3_000);

const swaps = (): readonly CliEvent[] => running.events.filter(({ event }) => event === "swapped");
const times: { readonly step: string; readonly ms: number; readonly ownMs: number }[] = [];
let told = 0;

/**
 * Takes a step, waits until all its consequences are saved, and records the time of each event. Until
 * then it only listens: its own requests would compete with what it measures.
 */
async function measure(step: string, act: () => Promise<unknown>): Promise<void> {
  await act();
  await waitFor(`an event of ${step}`, () => (heardAt.length > told ? true : undefined), {
    timeoutMs: 60_000,
    everyMs: 20,
  });
  for (let heard = 0; heard !== heardAt.length || swapOf(heardAt.at(-1), swaps()) === undefined; ) {
    heard = heardAt.length;
    await delay(quietMs);
  }
  for (const at of heardAt.slice(told)) {
    const swap = swapOf(at, swaps());
    if (swap === undefined) throw new Error(`no swap followed an event of ${step}`);
    times.push({ step, ms: committedAt(swap) - at, ownMs: Number(swap["elapsedMs"]) });
  }
  told = heardAt.length;
  await waitFor(`${step} to be saved`, isSaved, {
    timeoutMs: 60_000,
    details: () => running.stderr,
  });
}

/** Whether the bucket holds the swap told last, and lnd finds exactly its channels in it. */
async function isSaved(): Promise<true | undefined> {
  const { pointer, bytes } = await bucket.current(mirror.folder);
  if (pointer.version.key !== swaps().at(-1)?.["key"]) return undefined;
  const wanted = await alice.verifyChanBackup(await alice.exportChanBackup());
  return isDeepStrictEqual(await alice.verifyChanBackup(bytes), wanted) ? true : undefined;
}

/** Mines, and returns without waiting for the nodes to see it. */
const mine = (): Promise<unknown> => network.btcd.mine(6);
const infoSchema = z.object({ block_height: z.number(), synced_to_chain: z.boolean() });

async function inStep(): Promise<void> {
  const height = await network.btcd.height();
  for (const node of [alice, bob]) {
    await waitFor(
      `${node.name} at height ${height}`,
      async () => {
        const info = await node.query(infoSchema, "getinfo");
        return info.block_height >= height && info.synced_to_chain ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
  }
}

await network.connect(alice, bob);
for (let channel = 1; channel <= channels; channel += 1) {
  await measure("pending open", () =>
    alice.lncli("openchannel", `--node_key=${bob.pubkey}`, "--local_amt=500000"),
  );
  await measure("open", mine);
  await inStep();
}
// One stays: that a node has no channels left is refused until an operator confirms it.
for (const point of (await alice.channelPoints()).slice(1)) {
  await network.closeChannel(alice, point);
  await measure("closed, resolved", mine);
  await inStep();
}
const memoryMb = residentMb(running.child.pid);
session.abort();
await hearing;
assert.equal(await running.end(), 0, running.stderr);

const row = (name: string, part: typeof times): string[] => {
  const all = part.map(({ ms }) => ms);
  const own = part.map(({ ownMs }) => ownMs);
  return [
    name,
    String(part.length),
    figure(median(all), "ms"),
    figure(quantile(all, 0.95), "ms"),
    figure(median(own), "ms"),
  ];
};
const during = (step: string): typeof times => times.filter((time) => time.step === step);
printReport(
  `From lnd's event to the commit on MinIO, ${channels} channels opened, ${channels - 1} closed`,
  ["", "events", "median", "p95", "as the mirror counts it"],
  [
    row("pending open", during("pending open")),
    row("open", during("open")),
    row("closed, resolved", during("closed, resolved")),
    row("all", times),
  ],
  [
    "Goal: a median under 150 ms.",
    `The mirror took ${memoryMb.toFixed(0)} MB at the end; goal: under 120 MB.`,
  ],
);
