/**
 * Makes `test/vectors/nodes/lnd-VERSION/`: the backups of a real lnd with real words, on a simnet of
 * its own. `node test/differential/make-node-vectors.ts`; for another version than the one that the
 * tests build, SCB_TEST_LND names a folder with its lnd and lncli.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { startLndOracle } from "../peers/lnd-oracle.ts";
import { waitFor } from "../peers/wait-for.ts";

const passphrase = "a test passphrase";
await using oracle = await startLndOracle();
await using network = await startLndNetwork({
  nodes: [{ name: "alice", wallet: { aezeedPassphrase: passphrase } }, "bob"],
});
const [alice, bob] = [network.node("alice"), network.node("bob")];
const { version } = await alice.query(z.object({ version: z.string() }), "getinfo");
const name = version.split(" ")[0] ?? version;
const folder = join(import.meta.dirname, "..", "vectors", "nodes", `lnd-${name}`);
await mkdir(folder, { recursive: true });

const entropy = await oracle.readWords(alice.words, passphrase);
const [pubKey] = await oracle.deriveKeys(entropy, 1, [{ family: 7, index: 0 }]);
if (pubKey === undefined) throw new Error("lnd gave no key");

const files = new Map<string, Uint8Array>();
files.set("empty.backup", new Uint8Array(await readFile(alice.channelBackupPath)));
for (const type of ["tweakless", "anchors", "taproot"] as const) {
  await network.openChannel(alice, bob, { sat: 1_000_000, type });
}
await network.openChannel(bob, alice, { sat: 2_000_000 });
files.set("export.backup", await alice.exportChanBackup());
files.set("channel.backup", await fileWith(alice, pubKey, 4));

const described: Record<string, unknown> = {};
for (const [file, bytes] of files) {
  await writeFile(join(folder, file), bytes);
  const reads = await oracle.unpackMulti(pubKey, bytes);
  described[file] = reads.map((read) => ("error" in read ? read : read.single));
}
const node = {
  note: "test words, made for this file on a simnet: there are no funds behind them",
  lnd: name,
  network: "simnet",
  words: alice.words.join(" "),
  passphrase,
  pubKey: alice.pubkey,
  backupKey: createHash("sha256").update(pubKey).digest("hex"),
  files: described,
};
await writeFile(join(folder, "node.json"), `${JSON.stringify(node, null, 1)}\n`);
process.stdout.write(`${folder}: ${[...files.keys()].join(", ")}\n`);

/** lnd writes its file a moment after the channel is open. */
function fileWith(lnd: LndNode, key: Uint8Array, channels: number): Promise<Uint8Array> {
  return waitFor(
    `a channel.backup with ${channels} channels`,
    async () => {
      const bytes = new Uint8Array(await readFile(lnd.channelBackupPath));
      return (await oracle.unpackMulti(key, bytes)).length === channels ? bytes : undefined;
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
}
