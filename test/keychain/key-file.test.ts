import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { HARDENED_OFFSET, HDKey } from "@scure/bip32";
import { CipherSeed } from "aezeed";
import { decipherWords } from "../../src/keychain/aezeed-words.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { loadKeyFile, readPassphraseFile } from "../../src/keychain/key-file.ts";
import type { LoadedKey } from "../../src/keychain/loaded-key.ts";
import type { Network } from "../../src/keychain/network.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { aezeedVectors, walletVectors } from "./vectors.ts";

const [plainWords, lockedWords, otherWords] = aezeedVectors;
const mainnet = walletVectors.find(
  (vector) => vector.entropy === plainWords.entropy && vector.coinType === 0,
);
const testnet = walletVectors.find(
  (vector) => vector.entropy === plainWords.entropy && vector.coinType === 1,
);
assert(mainnet !== undefined && testnet !== undefined);

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "scb-key-file-"));
});
after(() => rm(folder, { recursive: true }));

let files = 0;
async function fileOf(text: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, `secret-${++files}`);
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
}

async function load(
  text: string | Uint8Array,
  network: Network = "mainnet",
  passphrase?: string,
): Promise<LoadedKey> {
  return loadKeyFile(await fileOf(text), {
    network,
    random: systemRandom,
    passphrase: async () => passphrase,
  });
}

describe("loadKeyFile", () => {
  const numbered = plainWords.words
    .split(" ")
    .map((word, at) => `${at + 1}. ${word}${at % 4 === 3 ? "\n" : "   "}`)
    .join("");
  const valid: readonly [string, string, Network, string | undefined, LoadedKey["kind"], string][] =
    [
      [
        "words as lncli prints them",
        numbered.toUpperCase(),
        "regtest",
        "",
        "words",
        testnet.backupKey,
      ],
      [
        "words and passphrase",
        lockedWords.words,
        "signet",
        lockedWords.passphrase,
        "words",
        testnet.backupKey,
      ],
      [
        "an extended key",
        `${mainnet.root}\n`,
        "mainnet",
        undefined,
        "extended-key",
        mainnet.backupKey,
      ],
      [
        "a backup key",
        ` ${mainnet.backupKey}\r\n`,
        "mainnet",
        undefined,
        "backup-key",
        mainnet.backupKey,
      ],
      [
        "a backup key in capitals",
        mainnet.backupKey.toUpperCase(),
        "testnet",
        undefined,
        "backup-key",
        mainnet.backupKey,
      ],
    ];
  for (const [name, text, network, passphrase, kind, backupKey] of valid) {
    it(`takes ${name}`, async () => {
      const loaded = await load(text, network, passphrase);
      assert.equal(loaded.kind, kind);
      assert.equal(loaded.backupKey(), backupKey);
      assert.deepEqual(loaded.warnings, []);
      const direct = backupKeyEncrypter(Buffer.from(backupKey, "hex"), systemRandom);
      assert.deepEqual(
        loaded.encrypter.decrypt(direct.encrypt(Uint8Array.of(1))),
        Uint8Array.of(1),
      );

      const shown = inspect(loaded, { depth: 9, showHidden: true }) + JSON.stringify(loaded);
      for (const secret of [
        backupKey,
        ...text
          .trim()
          .split(/\s+/)
          .filter((token) => token.length > 3),
      ]) {
        assert(!shown.includes(secret), "a secret is shown");
      }
    });
  }

  const list = plainWords.words.split(" ");
  const box = list
    .map(
      (word, at) => `${String(at + 1).padStart(2)}. ${word.padEnd(8)}${at % 4 === 3 ? "\n" : "  "}`,
    )
    .join("");
  const lncliCreate = `Input wallet password:
Confirm password:

Do you have an existing cipher seed mnemonic or extended master root key you want to use?
Enter 'y' to use an existing cipher seed mnemonic, 'x' to use an extended master root key
or 'n' to create a new seed (Enter y/x/n): n

Generating fresh cipher seed...

!!!YOU MUST WRITE DOWN THIS SEED TO BE ABLE TO RESTORE THE WALLET!!!

---------------BEGIN LND CIPHER SEED---------------
${box}---------------END LND CIPHER SEED-----------------

!!!YOU MUST WRITE DOWN THIS SEED TO BE ABLE TO RESTORE THE WALLET!!!

lnd successfully initialized!
`;
  const utf16 = (text: string, mark = "\ufeff"): Buffer => Buffer.from(mark + text, "utf16le");
  const kept: readonly (readonly [name: string, text: string | Uint8Array])[] = [
    ["lncli's whole print", lncliCreate],
    ["lncli's whole print, with Windows' line ends", lncliCreate.replaceAll("\n", "\r\n")],
    ["lncli's words in their box alone", box],
    ["words with their numbers attached", list.map((word, at) => `${at + 1}.${word}`).join(" ")],
    ["words with numbers and brackets", list.map((word, at) => `(${at + 1}) ${word}`).join("\n")],
    ["words with commas", list.join(", ")],
    ["words on lines of their own", `${list.join("\r\n")}\r\n`],
    ["words in a table", list.map((word, at) => `| ${at + 1} | ${word} |`).join("\n")],
    ["words in quotes", `"${plainWords.words}"`],
    ["words in a list of JSON", JSON.stringify(list)],
    [
      "lnd's GenSeed",
      JSON.stringify({ cipher_seed_mnemonic: list, enciphered_seed: "AA==" }, null, 2),
    ],
    ["UTF-8 with a byte order mark", `\ufeff${plainWords.words}`],
    ["UTF-16, as PowerShell writes it", utf16(`${plainWords.words}\r\n`)],
    ["UTF-16 without a mark", utf16(plainWords.words, "")],
    ["UTF-16 the other way round", utf16(plainWords.words).swap16()],
    ["a backup key in UTF-16", utf16(`${mainnet.backupKey}\r\n`)],
    [
      "what scb-mirror key prints as JSON",
      JSON.stringify({ backupKey: mainnet.backupKey, network: "mainnet" }),
    ],
  ];
  for (const [name, text] of kept) {
    it(`takes ${name}`, async () => {
      assert.equal((await load(text)).backupKey(), mainnet.backupKey);
    });
  }

  it("doesn't ask for the passphrase of words that can't be lnd's", async () => {
    const passphrase = (): Promise<string> => assert.fail("asked");
    const path = await fileOf(`${"abandon ".repeat(11)}about`);
    const loading = loadKeyFile(path, { network: "mainnet", random: systemRandom, passphrase });
    await assert.rejects(loading, { code: "key", message: /BIP 39/ });
  });

  /** An extended key of the path, as another wallet exports it. */
  const below = (...path: readonly number[]): string => {
    const root = HDKey.fromExtendedKey(mainnet.root);
    const at = path.reduce((key, number) => key.deriveChild(HARDENED_OFFSET + number), root);
    return at.privateExtendedKey ?? assert.fail("no private key");
  };
  const identity = mainnet.keys["6/0"] ?? assert.fail("no identity key");
  const identities: readonly (readonly [name: string, text: string, pubkey: string | null])[] = [
    ["words", plainWords.words, identity],
    ["the root key", mainnet.root, identity],
    ["the key of the coin type", below(1017, 0), identity],
    ["the key of the one family that backups need", below(1017, 0, 7), null],
    ["a backup key", mainnet.backupKey, null],
  ];
  for (const [name, text, pubkey] of identities) {
    it(`${pubkey === null ? "does not know" : "knows"} the node of ${name}`, async () => {
      assert.equal((await load(text)).identityPubkey, pubkey);
    });
  }

  it("asks for a passphrase only where there are words", async () => {
    const path = await fileOf(mainnet.backupKey);
    const passphrase = (): Promise<string> => assert.fail("asked");
    await loadKeyFile(path, { network: "mainnet", random: systemRandom, passphrase });
  });

  const words = plainWords.words.split(" ");
  const swapped = [words[1], words[0], ...words.slice(2)].join(" ");
  const invalid: readonly [string, string, RegExp][] = [
    ["nothing", "", /holds nothing that can read backups/],
    ["63 digits", mainnet.backupKey.slice(1), /holds nothing that/],
    ["bytes", "\0\u0001 \u0002", /holds nothing that/],
    ["an extended public key", "xpub661MyMwAqRbcF", /holds nothing that/],
    ["23 words", words.slice(1).join(" "), /24 words, but these are 23/],
    ["unknown words", [...words.slice(0, 22), "lnd", "bitcoin"].join(" "), /number 23, 24$/],
    ["words in another order", swapped, /checksum of the words is wrong|not an lnd seed/],
    ["a wrong word", plainWords.words.replace("antenna", "rule"), /checksum of the words is wrong/],
    ["words of another kind of wallet", new Array(24).fill("zoo").join(" "), /not an lnd seed/],
    // From the test vectors of BIP 39.
    [
      "12 words of another wallet",
      "legal winner thank year wave sausage worth useful legal winner thank yellow",
      /these 12 words belong to another kind of wallet \(BIP 39\), not to lnd: give the 24/,
    ],
    [
      "18 words of another wallet",
      `${"abandon ".repeat(17)}agent`,
      /these 18 words belong to another kind of wallet \(BIP 39\)/,
    ],
    [
      "24 words of another wallet",
      `${"letter advice cage absurd amount doctor acoustic avoid ".repeat(2)}letter advice cage absurd amount doctor acoustic bless`,
      /these 24 words belong to another kind of wallet \(BIP 39\)/,
    ],
    ["12 words of no wallet", "zoo ".repeat(12), /24 words, but these are 12: give the 24/],
    ["JSON of something else", '{"words": "above judge emerge"}', /24 words, but these are 4/],
    ["a damaged extended key", `${mainnet.root.slice(0, 50)}`, /damaged/],
  ];
  for (const [name, text, message] of invalid) {
    it(`refuses ${name} and quotes nothing`, async () => {
      await assert.rejects(load(text), (error: unknown) => {
        assert(hasCode(error, "key"));
        assert.match(error.message, message);
        assert(error.message.startsWith(`key file ${folder}`));
        const shown = inspect(error, { depth: 9, showHidden: true }).replaceAll(/^ +at .*$/gm, "");
        for (const token of text.split(/\s+/).filter((token) => token.length > 8)) {
          assert(!shown.includes(token), "a secret is shown");
        }
        return true;
      });
    });
  }

  it("says that a passphrase is missing", () =>
    assert.rejects(load(lockedWords.words), {
      code: "key",
      message: /have a passphrase: give it/,
    }));

  it("says that a passphrase is wrong, and does not quote it", () =>
    assert.rejects(load(plainWords.words, "mainnet", "hunter22"), (error: unknown) => {
      assert.match(inspect(error), /the passphrase is wrong for these words/);
      assert.doesNotMatch(inspect(error), /hunter22/);
      return true;
    }));

  it("says that a file is missing, a folder, or too large", async () => {
    const options = { network: "mainnet", random: systemRandom } as const;
    await assert.rejects(loadKeyFile(join(folder, "none"), options), {
      code: "io",
      message: /none: there is no such file/,
    });
    await assert.rejects(loadKeyFile(folder, options), {
      code: "key",
      message: /isn.t a small text/,
    });
    await assert.rejects(loadKeyFile("/dev/zero", options), {
      code: "key",
      message: /isn.t a small text/,
    });
    const large = await fileOf(new Uint8Array(100_000));
    await assert.rejects(loadKeyFile(large, options), {
      code: "key",
      message: /isn.t a small text/,
    });
  });

  for (const mode of [0o604, 0o640, 0o644]) {
    it(`warns of a file with mode ${mode.toString(8)}`, async () => {
      const path = await fileOf(mainnet.backupKey, mode);
      const { warnings } = await loadKeyFile(path, { network: "mainnet", random: systemRandom });
      assert.deepEqual(warnings, [
        `key file ${path} is open to other users of this machine: run chmod 600 on it`,
      ]);
    });
  }
});

describe("readPassphraseFile", () => {
  const cases: readonly [string, string][] = [
    ["secret", "secret"],
    ["secret\n", "secret"],
    ["secret\r\n", "secret"],
    [" two words \n\n", " two words \n"],
    ["", ""],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)} is ${JSON.stringify(expected)}`, async () => {
      const { passphrase, warnings } = await readPassphraseFile(await fileOf(text));
      assert.equal(passphrase, expected);
      assert.deepEqual(warnings, []);
    });
  }
});

it("takes a passphrase as the bytes of its UTF-8, as lnd does", async () => {
  const entropy = await decipherWords(otherWords.words.split(" "), () => otherWords.passphrase);
  assert.equal(Buffer.from(entropy).toString("hex"), otherWords.entropy);
});

it("refuses a seed made for a later scheme", async () => {
  const seed = new CipherSeed(Buffer.alloc(16, 1), Buffer.alloc(5, 2), 2, 0);
  const words = seed.toMnemonic().split(" ");
  await assert.rejects(
    decipherWords(words, () => undefined),
    { code: "key", message: /has version 2/ },
  );
});
