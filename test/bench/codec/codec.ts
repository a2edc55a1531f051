/**
 * How long it takes to pack and unpack a Multi, beside lnd's own Go code for the same bytes on the
 * same machine: `node test/bench/codec/codec.ts [channels …]`. Every public key is validated. "New"
 * is a Multi whose keys this process has not seen, "next" a later one of the same channels.
 * lnd and we take turns, and the best turn of each counts.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { deserializeMulti, type Multi, serializeMulti } from "../../../src/chanbackup/multi.ts";
import { packMulti, unpackMulti } from "../../../src/chanbackup/packed-multi.ts";
import { backupKeyEncrypter } from "../../../src/keychain/encrypter.ts";
import { systemRandom } from "../../../src/runtime/random.ts";
import { isPublicKey } from "../../../src/wire/public-key.ts";
import { plainSingle } from "../../chanbackup/plain-single.ts";
import { startLndOracle } from "../../peers/lnd-oracle.ts";
import { publicKeyOf } from "../../wire/arbitraries.ts";
import { figure, median, printReport } from "../report.ts";
import type { MultiMemory } from "./multi-memory.ts";

const goals = { pack: 1, unpackNew: 2.5, unpackNext: 1, memory: 3 };
const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [1, 10, 100, 1_000, 10_000];
const pubKey = publicKeyOf(7);
const backupKey = createHash("sha256").update(pubKey).digest();
const encrypter = backupKeyEncrypter(backupKey, systemRandom);
await using oracle = await startLndOracle();
let seed = 1;

async function packedByLnd(channels: number): Promise<Uint8Array> {
  const made = await oracle.makeSingles(seed++, channels);
  const plaintexts = made.flatMap((read) => ("error" in read ? [] : [read.rewritten]));
  return oracle.packMulti(pubKey, plaintexts);
}

function medianMs(rounds: number, run: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return median(times);
}

function publicKeysOf({ staticBackups }: Multi): Uint8Array[] {
  return staticBackups.flatMap(({ remoteNodePub, remoteChanCfg }) => [
    remoteNodePub,
    ...Object.values(remoteChanCfg).filter((value) => typeof value !== "number"),
  ]);
}

/** The times of lnd and ours in one turn, as medians of some rounds; a new Multi can be read only once. */
async function turn(channels: number, rounds: number) {
  const packed = new Uint8Array(await packedByLnd(channels));
  const unpackNew = medianMs(1, () => unpackMulti(packed, encrypter));
  const multi = unpackMulti(packed, encrypter);
  // In the form that a caller of the library may have. SubSwapper turns each into a view, once.
  const plain: Multi = { version: 0, staticBackups: multi.staticBackups.map(plainSingle) };
  const plaintext = serializeMulti(multi);
  const keys = publicKeysOf(multi);
  const lnd = await oracle.timeMulti(pubKey, packed, rounds);
  return {
    lndPack: lnd.packMs,
    lndUnpack: lnd.unpackMs,
    pack: medianMs(rounds, () => packMulti(multi, encrypter)),
    packPlain: medianMs(rounds, () => packMulti(plain, encrypter)),
    unpackNew,
    unpackNext: medianMs(rounds, () => unpackMulti(packed, encrypter)),
    encrypt: medianMs(rounds, () => encrypter.encrypt(plaintext)),
    serialise: medianMs(rounds, () => serializeMulti(multi)),
    deserialise: medianMs(rounds, () => deserializeMulti(plaintext)),
    knownKeys: medianMs(rounds, () => keys.every(isPublicKey)),
  };
}

type Times = Awaited<ReturnType<typeof turn>>;

/** The best of some turns, each figure for itself: what another process takes away is not lnd's. */
async function bestOf(turns: number, channels: number, rounds: number): Promise<Times> {
  let best = await turn(channels, rounds);
  for (let count = 1; count < turns; count++) {
    const next = await turn(channels, rounds);
    for (const name of Object.keys(best) as (keyof Times)[]) {
      best = { ...best, [name]: Math.min(best[name], next[name]) };
    }
  }
  return best;
}

// Not the time for a process's first Multi: by now the engine has compiled the code.
await bestOf(2, 500, 10);
const times: string[][] = [];
const parts: string[][] = [];
for (const channels of sizes) {
  const turns = channels >= 10_000 ? 4 : 12;
  const best = await bestOf(turns, channels, channels >= 1_000 ? 3 : 25);
  const row = (what: string, ours: number, theirs: number, goal: number): string[] => [
    `${channels}`,
    what,
    figure(ours, "ms"),
    figure(theirs, "ms"),
    figure(ours / theirs, "×"),
    `${goal} ×`,
  ];
  times.push(
    row("pack", best.pack, best.lndPack, goals.pack),
    row("pack, plain objects", best.packPlain, best.lndPack, goals.pack),
    row("unpack, new", best.unpackNew, best.lndUnpack, goals.unpackNew),
    row("unpack, next", best.unpackNext, best.lndUnpack, goals.unpackNext),
  );
  const { encrypt, serialise, deserialise, knownKeys } = best;
  const newKeyUs = ((best.unpackNew - best.unpackNext) / (6 * channels)) * 1_000;
  parts.push([
    `${channels}`,
    ...[encrypt, serialise, deserialise, knownKeys].map((ms) => figure(ms, "ms")),
    figure(newKeyUs, "µs"),
  ]);
}
printReport(
  "Multis, beside lnd's own code",
  ["channels", "what", "here", "lnd", "ratio", "goal, at most"],
  times,
);
printReport(
  "Where the time goes",
  ["channels", "encrypt", "serialise", "deserialise", "known keys", "a new key"],
  parts,
);

const largest = Math.max(...sizes);
const child = spawnSync(
  process.execPath,
  [join(import.meta.dirname, "multi-memory.ts"), backupKey.toString("hex")],
  { input: await packedByLnd(largest), stdio: ["pipe", "pipe", "inherit"] },
);
const used: MultiMemory = JSON.parse(child.stdout.toString());
const toPacked = (bytes: number): string => figure(bytes / used.packedBytes, "×");
printReport(
  `Memory above the baseline, ${largest} channels, ${used.packedBytes} bytes packed`,
  ["what", "bytes", "to the packed size", "goal, under"],
  [
    ["held while the Multi is", `${used.heldBytes}`, toPacked(used.heldBytes), `${goals.memory} ×`],
    ["at most, resident, unpacking", `${used.unpackingBytes}`, toPacked(used.unpackingBytes), ""],
    ["at most, resident, packing", `${used.packingBytes}`, toPacked(used.packingBytes), ""],
  ],
);
