/**
 * Makes `test/vectors/*.json` with lnd's own code, from fixed seeds: `node
 * test/differential/make-vectors.ts`. The same lnd gives the same Singles and keys; nonces and the
 * salts of words are random.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startLndOracle } from "../peers/lnd-oracle.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";
import { fromHex, toHex } from "./hex.ts";

const vectorsFolder = join(import.meta.dirname, "..", "vectors");

await using oracle = await startLndOracle();

async function save(name: string, vectors: readonly object[]): Promise<void> {
  const lines = vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(",\n");
  await writeFile(join(vectorsFolder, name), `[\n${lines}\n]\n`);
}

const singles = (await oracle.makeSingles(1, 64)).flatMap((read) =>
  "error" in read ? [] : [{ plaintext: read.rewritten, single: read.single }],
);
await save(
  "singles.json",
  singles.map(({ plaintext, single }) => ({ plaintext: toHex(plaintext), single })),
);

const pubKey = publicKeyOf(7);
const multis: object[] = [];
for (const channels of [0, 1, 2, 17]) {
  const some = singles.slice(0, channels);
  const packed = await oracle.packMulti(
    pubKey,
    some.map(({ plaintext }) => plaintext),
  );
  multis.push({
    pubKey: toHex(pubKey),
    backupKey: createHash("sha256").update(pubKey).digest("hex"),
    packed: toHex(packed),
    channels: some.map(({ single }) => single),
  });
}
await save("multis.json", multis);

// By what begins with a zero byte in each, found by search.
const entropies = {
  nothing: ["81b637d86359e6960de795e41e0b4cfd", "00000000000000000000000000000002"],
  "the root": ["efaf4f4826befad301b6b4ceaddd0d40"],
  "m/1017'": ["000000000000000000000000000000be", "00000000000000000000000000000204"],
  "m/1017'/1'": ["00000000000000000000000000000091"],
};
const passphrases = ["", "a test passphrase"];
const locators = [0, 1, 2, 3, 4, 5, 6, 7].map((family) => ({ family, index: 0 }));
const keys: object[] = [];
for (const [begins, list] of Object.entries(entropies)) {
  for (const [at, entropy] of list.entries()) {
    const passphrase = passphrases[at] ?? "";
    const words = await oracle.makeWords(fromHex(entropy), passphrase);
    for (const coinType of [0, 1]) {
      const derived = await oracle.deriveKeys(fromHex(entropy), coinType, locators);
      keys.push({
        beginsWithZero: begins,
        entropy,
        words: words.join(" "),
        passphrase,
        coinType,
        backupKey: createHash("sha256")
          .update(derived[7] ?? "")
          .digest("hex"),
        pubKeys: derived.map(toHex),
      });
    }
  }
}
await save("keys.json", keys);
