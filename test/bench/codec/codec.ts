/**
 * How long it takes to pack and unpack a Multi, beside lnd's own Go code for the same bytes on the
 * same machine: `node test/bench/codec/codec.ts [channels …]`. Every public key is validated. "New"
 * is a Multi whose keys this process has not seen, "next" a later one of the same channels.
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

function time(run: () => unknown): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}

function medianMs(rounds: number, run: () => unknown): number {
  return median(Array.from({ length: rounds }, () => time(run)));
}

/** Not what a process needs for its first Multi: the engine's compiler has done its work. */
async function warmUp(): Promise<void> {
  const packed = await packedByLnd(500);
  for (let round = 0; round < 20; round++) packMulti(unpackMulti(packed, encrypter), encrypter);
}

await warmUp();
const times: string[][] = [];
const parts: string[][] = [];
for (const channels of sizes) {
  const rounds = channels >= 10_000 ? 7 : 25;
  const unseen: number[] = [];
  let packed = new Uint8Array();
  for (let round = 0; round < (channels >= 1_000 ? 3 : 15); round++) {
    packed = new Uint8Array(await packedByLnd(channels));
    unseen.push(time(() => unpackMulti(packed, encrypter)));
  }
  const multi = unpackMulti(packed, encrypter);
  const lnd = await oracle.timeMulti(pubKey, packed, rounds);
  const packMs = medianMs(rounds, () => packMulti(multi, encrypter));
  const nextMs = medianMs(rounds, () => unpackMulti(packed, encrypter));
  const row = (what: string, ours: number, theirs: number, goal: number): string[] => [
    `${channels}`,
    what,
    figure(ours, "ms"),
    figure(theirs, "ms"),
    figure(ours / theirs, "×"),
    `${goal} ×`,
  ];
  // Plain objects, as a library's caller may have them. SubSwapper turns each into a view once.
  const plain: Multi = { version: 0, staticBackups: multi.staticBackups.map(plainSingle) };
  const plainMs = medianMs(rounds, () => packMulti(plain, encrypter));
  times.push(
    row("pack", packMs, lnd.packMs, goals.pack),
    row("pack, plain objects", plainMs, lnd.packMs, goals.pack),
    row("unpack, new", median(unseen), lnd.unpackMs, goals.unpackNew),
    row("unpack, next", nextMs, lnd.unpackMs, goals.unpackNext),
  );
  const plaintext = serializeMulti(multi);
  const keys = multi.staticBackups.flatMap(({ remoteNodePub, remoteChanCfg }) => [
    remoteNodePub,
    ...Object.values(remoteChanCfg).filter((value) => typeof value !== "number"),
  ]);
  parts.push([
    `${channels}`,
    figure(
      medianMs(rounds, () => encrypter.encrypt(plaintext)),
      "ms",
    ),
    figure(
      medianMs(rounds, () => serializeMulti(multi)),
      "ms",
    ),
    figure(
      medianMs(rounds, () => deserializeMulti(plaintext)),
      "ms",
    ),
    figure(
      medianMs(rounds, () => keys.every(isPublicKey)),
      "ms",
    ),
    figure(((median(unseen) - nextMs) / keys.length) * 1_000, "µs"),
    `${keys.length}`,
  ]);
}
printReport(
  "Multis, beside lnd's own code",
  ["channels", "what", "here", "lnd", "ratio", "goal, at most"],
  times,
);
printReport(
  "Where the time goes",
  ["channels", "encrypt", "serialise", "deserialise", "of that: known keys", "a new key", "keys"],
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
